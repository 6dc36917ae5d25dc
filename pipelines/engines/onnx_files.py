"""Bases from ONNX files for engines: composed in a process of its own, tried in another.

The composed file is the same for all engines, so that one can be held against another.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from pipelines.bases import file_of, scaling_of
from pipelines.bases.onnx_file.asking import ask
from pipelines.contract import ONNX_FILE, PARITY_BOUND, Contract
from pipelines.engines.kinds import CONVERTING, ONNXRUNTIME, OPENVINO
from pipelines.engines.request import EngineRequest
from pipelines.engines.trial import largest_error, try_conversion
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
    if request.name == reference:
        return
    wanted = try_conversion(reference, folder, 1, PROBES, probes)
    error = largest_error(found, wanted)
    if not error <= PARITY_BOUND:
        raise UnsuitableEngineError(
            f"its features are off by {error:.1e} from {reference}'s, relative"
        )


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
        layer=contract.layer,
        size=contract.image_size,
        scaling=asdict(scaling_of(contract)),
        pooling=contract.pooling,
        folder=str(folder),
    )
    if said["fingerprint"] != contract.weights:
        raise WeightsError(
            f"the base in {path} has the fingerprint {said['fingerprint'][:12]}…, the features "
            f"were asked for with {contract.weights[:12]}…; name the same file"
        )
