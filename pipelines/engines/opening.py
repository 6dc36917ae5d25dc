"""Opening the engine a run was given, once a process."""

import threading
from dataclasses import dataclass

from pipelines.bases import base_named
from pipelines.contract import Contract
from pipelines.engines.engine import Engine
from pipelines.engines.keras_engine import KerasEngine
from pipelines.errors import WeightsError
from pipelines.weights import LoadedBase, WeightsRequest, load_base

ENGINES = ("auto", "keras")


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """All a worker needs to open the engine the driver chose.

    Attributes:
        name: the engine, no longer "auto".
        contract: what its features must be; holds the weights' fingerprint.
        weights: where to look for the weights.
        batch_size: images a call.
    """

    name: str
    contract: Contract
    weights: WeightsRequest
    batch_size: int


def choose_engine(wanted: str) -> str:
    """The engine that `--engine` means on this machine: "auto" is Keras, the only one so far."""
    return "keras" if wanted == "auto" else wanted


_bases: dict[tuple[str, int, WeightsRequest], LoadedBase] = {}
_engines: dict[EngineRequest, Engine] = {}
_lock = threading.Lock()


def open_base(name: str, image_size: int, weights: WeightsRequest) -> LoadedBase:
    """Load a base once a process, whoever asks for it."""
    with _lock:
        key = (name, image_size, weights)
        if key not in _bases:
            _bases[key] = load_base(base_named(name), image_size, weights)
        return _bases[key]


def open_engine(request: EngineRequest) -> Engine:
    """Open an engine once a process; workers that are threads of one process share it.

    Raises:
        WeightsError: the weights found here are not those of the contract.
    """
    contract = request.contract
    loaded = open_base(contract.base, contract.image_size, request.weights)
    if loaded.fingerprint != contract.weights:
        raise WeightsError(
            f"the weights from {loaded.source} have the fingerprint {loaded.fingerprint[:12]}…, "
            f"the features were asked for with {contract.weights[:12]}…; "
            "name the same weights with --weights"
        )
    with _lock:
        if request not in _engines:
            _engines[request] = KerasEngine(loaded.model, contract, request.batch_size)
        return _engines[request]
