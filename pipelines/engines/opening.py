"""Opening the engine a run was given, once a process."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipelines.bases import (
    POOLINGS,
    PREPROCESSINGS,
    Base,
    LoadedBase,
    WeightsRequest,
    base_named,
    base_of,
    facts_of,
    file_of,
    is_from_file,
    known_fingerprint,
    load_base,
    scaling_of,
)
from pipelines.bases.cutting import IN_ONE_PASS
from pipelines.bases.keras_file import fingerprint_at, open_keras_file
from pipelines.bases.weights_request import BASE
from pipelines.contract import (
    COMPUTE_DTYPES,
    HALF_ERRORS,
    NUMBERS,
    ONNX_FILE,
    PARITY_BOUND,
    Contract,
)
from pipelines.engines.conversions import conversion_of
from pipelines.engines.engine import Engine
from pipelines.engines.int8.fetching import fetch_quantised, require_runs_int8
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.one_pass import each_alone, largest_error_of_any
from pipelines.engines.onnx_files import convert_file
from pipelines.engines.request import EngineRequest
from pipelines.engines.trial import try_conversion
from pipelines.errors import (
    EngineError,
    FrozenFeaturesError,
    UnsuitableEngineError,
    UsageError,
    WeightsError,
)
from pipelines.images.decode import INTERPOLATIONS, ORIENTATIONS
from pipelines.images.resizing import LARGEST_SIDE, resizing_named
from pipelines.system.cores import usable_cores
from pipelines.system.keras_backend import limit_threads

PROBES = 4
"""Random images on which a new conversion is held against Keras before it is kept."""


_bases: dict[tuple[Base, int, WeightsRequest], LoadedBase] = {}
_engines: dict[EngineRequest, Engine] = {}
_lock = threading.RLock()


def open_base(name: str, image_size: int, weights: WeightsRequest, top: bool = False) -> LoadedBase:
    """Load a base once a process, whoever asks for it; with its classifying top if wanted."""
    with _lock:
        key = (base_named(name, top), image_size, weights)
        if key not in _bases:
            _bases[key] = load_base(*key)
        return _bases[key]


def _open_file(contract: Contract, request: WeightsRequest) -> LoadedBase:
    with _lock:
        key = (base_of(contract), 0, request)
        if key not in _bases:
            path = str(request.path)
            _bases[key] = LoadedBase(open_keras_file(Path(path)), path, "")
        opened = _bases[key]
        layers = contract.layer.split(IN_ONE_PASS)
        found = IN_ONE_PASS.join(fingerprint_at(opened.model, layer) for layer in layers)
        return replace(opened, fingerprint=found)


def open_base_of(contract: Contract, weights: WeightsRequest) -> LoadedBase:
    """Load the base of a contract once a process.

    Raises:
        WeightsError: the weights found here are not those of the contract.
        UsageError: the base came as an ONNX file, which Keras does not run.
    """
    if contract.base == ONNX_FILE:
        raise UsageError(
            "the base came as an ONNX file, which Keras has no model of; a .keras file would do"
        )
    if is_from_file(contract):
        loaded = _open_file(contract, file_of(contract, weights))
    else:
        loaded = open_base(contract.base, contract.image_size, weights, contract.top)
    if loaded.fingerprint != contract.weights:
        raise _other_weights(contract, loaded.source, loaded.fingerprint)
    return loaded


def open_engine(request: EngineRequest) -> Engine:
    """Open an engine once a process; workers that are threads of one process share it.

    Raises:
        WeightsError: the weights found here are not those of the contract.
        UsageError: the engine is not installed.
        EngineError: it cannot run the base, or gives other features than Keras.
    """
    with _lock:
        if request not in _engines:
            _engines[request] = _open(request)
        return _engines[request]


def open_conversion(request: EngineRequest) -> Path:
    """The folder of the conversion that a request's engine runs, made and checked if need be.

    Raises:
        UsageError, EngineError, WeightsError: see `open_engine`.
    """
    kind = CONVERTING[request.name]
    if not kind.installed:
        raise UsageError(
            f"--engine {kind.name}: it is not installed; pip install '.[{kind.name}]', "
            "or use --engine auto"
        )

    def make(folder: Path) -> None:
        contract = request.contract
        if contract.quantisation is not None:
            fetch_quantised(request, kind, folder)
            return
        if contract.base == ONNX_FILE:
            convert_file(request, folder)
            return
        model = open_base_of(contract, request.weights).model
        kind.convert(model, contract, folder)
        size = contract.image_size
        probes = np.random.default_rng(0).integers(0, 256, (PROBES, size, size, 3), dtype=np.uint8)
        plain = replace(contract, compute_dtype="float32")
        wanted = [KerasEngine(model, each, PROBES).extract(probes) for each in each_alone(plain)]
        found = try_conversion(kind.name, folder, 1, PROBES, probes)
        error = largest_error_of_any(found, wanted)
        if not error <= HALF_ERRORS.get(contract.compute_dtype, PARITY_BOUND):
            raise UnsuitableEngineError(
                f"its features are off by {error:.1e} from Keras's, relative"
            )

    with _lock:
        return conversion_of(kind, request.contract, make)


def _check_known(contract: Contract) -> None:
    """Refuse a contract that somebody else wrote, or a newer version."""
    known = {
        "interpolation": INTERPOLATIONS,
        "orientation": ORIENTATIONS,
        "preprocessing": (*PREPROCESSINGS, NUMBERS),
        "compute_dtype": COMPUTE_DTYPES,
    }
    try:
        contract.check_quantisation()
    except ValueError as error:
        raise UsageError(f"the contract cannot be used: {error}") from error
    poolings = contract.pooling.split(IN_ONE_PASS)
    if len(poolings) != len(contract.layer.split(IN_ONE_PASS)):
        raise UsageError(f"the contract has {len(poolings)} poolings, which its layers have not")
    for pooling in poolings:
        if pooling not in POOLINGS:
            raise UsageError(
                f"the contract has pooling {pooling!r}; this version knows {', '.join(POOLINGS)}"
            )
    for name, values in known.items():
        if getattr(contract, name) not in values:
            raise UsageError(
                f"the contract has {name} {getattr(contract, name)!r}; this version knows "
                f"{', '.join(values)}"
            )
    resizing_named(contract.resize, contract.image_size)
    if contract.preprocessing == NUMBERS:
        scaling_of(contract)
    least = base_of(contract).min_size
    if not least <= contract.image_size <= LARGEST_SIDE:
        raise UsageError(
            f"the contract has image_size {contract.image_size}; {contract.base} takes "
            f"{least} to {LARGEST_SIDE}"
        )


def _open(request: EngineRequest) -> Engine:
    contract = request.contract
    _check_known(contract)
    known = _fingerprint_known(contract, request.weights)
    if contract.quantisation is not None:
        require_runs_int8(request.name)
        known = None  # the quantised base holds its own
    if known is not None and known != contract.weights:
        raise _other_weights(contract, str(request.weights.path or request.weights.kind), known)
    if request.name in CONVERTING and not CONVERTING[request.name].takes(contract):
        raise _cannot_run(request, "it does not run bases of this kind")
    if request.name not in CONVERTING:
        if request.threads is not None:  # a worker process has not loaded its backend yet
            limit_threads(request.threads)
        model = open_base_of(contract, request.weights).model
        return KerasEngine(model, contract, request.batch_size)
    try:
        folder = open_conversion(request)
        threads = request.threads or usable_cores()
        return CONVERTING[request.name].open(folder, threads, request.batch_size)
    except EngineError as error:
        raise _cannot_run(request, str(error)) from error
    except FrozenFeaturesError:
        raise
    except Exception as error:  # whatever a library raises that is not as it was
        raise _cannot_run(request, f"{type(error).__name__}: {error}") from error


def _fingerprint_known(contract: Contract, weights: WeightsRequest) -> str | None:
    """The fingerprint of the weights asked for, if that is known without loading a base."""
    if not is_from_file(contract):
        base = base_named(contract.base, contract.top)
        return known_fingerprint(base, contract.image_size, weights)
    if weights.kind != BASE:
        return None
    file, layers = file_of(contract, weights), contract.layer.split(IN_ONE_PASS)
    return IN_ONE_PASS.join(facts_of(file, layer).fingerprint for layer in layers)


def _cannot_run(request: EngineRequest, why: str) -> EngineError:
    return EngineError(
        f"the {request.name} engine cannot run {request.contract.base}: {why}; "
        "--engine names another one"
    )


def _other_weights(contract: Contract, source: str, fingerprint: str) -> WeightsError:
    return WeightsError(
        f"the weights from {source} have the fingerprint {fingerprint[:12]}…, the features were "
        f"asked for with {contract.weights[:12]}…; name the same weights with --weights"
    )
