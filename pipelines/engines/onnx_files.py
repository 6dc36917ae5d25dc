"""Bases from ONNX files for engines: composed in a process of its own, tried in another.

The composed file is the same for all engines, so that one can be held against another.
"""

import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from pipelines.bases import file_of, scaling_of
from pipelines.bases.cutting import IN_ONE_PASS
from pipelines.bases.onnx_file.asking import ask
from pipelines.contract import ONNX_FILE, PARITY_BOUND, Contract
from pipelines.engines.kinds import CONVERTING, ONNXRUNTIME, OPENVINO
from pipelines.engines.one_pass import each_alone, largest_error_of_any
from pipelines.engines.parallel import Features, Pixels
from pipelines.engines.request import EngineRequest
from pipelines.engines.trial import try_conversion
from pipelines.errors import UnsuitableEngineError, UsageError, WeightsError

PROBES = 2
"""Random images on which engines are held against each other before one is kept."""


def reference_for(contract: Contract, keras: str) -> str:
    """The engine that others are held against.

    Args:
        contract: what is computed.
        keras: the reference of all that is no ONNX file.

    Raises:
        UsageError: none that runs ONNX files is installed.
    """
    if contract.base != ONNX_FILE:
        return keras
    for name in (ONNXRUNTIME, OPENVINO):
        if CONVERTING[name].installed:
            return name
    raise UsageError(
        "a base from an ONNX file is run by OpenVINO or ONNX Runtime, and neither is installed; "
        "pip install 'frozen-features[openvino]'"
    )


def convert_file(request: EngineRequest, folder: Path) -> None:
    """Compose a contract's file into a folder and make sure that the engine runs it as others do.

    Several layers in one pass are held against each of them alone, which OpenVINO 2026.4 has not
    always right: of a small transformer's first convolution, where its attention was taken too.

    Raises:
        BaseFileError, UsageError, WeightsError: the file cannot be had, or is another base.
        EngineError: the engine cannot run it.
        UnsuitableEngineError: its features are not the reference's.
    """
    contract = request.contract
    compose_file(request, folder)
    size = contract.image_size
    probes = np.random.default_rng(0).integers(0, 256, (PROBES, size, size, 3), dtype=np.uint8)
    found = try_conversion(request.name, folder, 1, PROBES, probes)
    if not np.isfinite(found).all():
        raise UnsuitableEngineError("its features of random pixels are not finite")
    reference = reference_for(contract, "")
    alone = each_alone(contract)
    if len(alone) == 1 and request.name == reference:
        return
    if len(alone) == 1:
        wanted = [try_conversion(reference, folder, 1, PROBES, probes)]
    else:
        wanted = [_alone(replace(request, contract=each), reference, probes) for each in alone]
    error = largest_error_of_any(found, wanted)
    if not error <= PARITY_BOUND:
        raise UnsuitableEngineError(
            f"its features are off by {error:.1e} from {reference}'s, relative"
        )


def _alone(request: EngineRequest, engine: str, probes: Pixels) -> Features:
    with tempfile.TemporaryDirectory() as folder:
        compose_file(request, Path(folder))
        return try_conversion(engine, Path(folder), 1, PROBES, probes)


def compose_file(request: EngineRequest, folder: Path) -> None:
    """Write the file that goes from uint8 pixels to a contract's features into a folder.

    Raises:
        BaseFileError, UsageError, WeightsError: see `convert_file`.
    """
    contract = request.contract
    path = str(file_of(contract, request.weights).path)
    said = ask(
        "compose",
        path,
        layers=contract.layer.split(IN_ONE_PASS),
        size=contract.image_size,
        scaling=asdict(scaling_of(contract)),
        poolings=contract.pooling.split(IN_ONE_PASS),
        folder=str(folder),
    )
    found = IN_ONE_PASS.join(said["fingerprints"])
    if found != contract.weights:
        raise WeightsError(
            f"the base in {path} has the fingerprint {found[:12]}…, the features "
            f"were asked for with {contract.weights[:12]}…; name the same file"
        )
