"""Choosing an engine without a race: named, remembered, or the only one that can be."""

from dataclasses import replace

from pipelines.cli import log
from pipelines.contract import Contract
from pipelines.engines.engine import Engine
from pipelines.engines.kinds import AUTO, CONVERTING, KERAS
from pipelines.engines.opening import EngineRequest, open_engine
from pipelines.engines.race_results import Choice, forget, remembered
from pipelines.errors import EngineError
from pipelines.system.cores import visible_gpus
from pipelines.system.keras_backend import sees_gpu
from pipelines.weights import WeightsRequest


def choose_without_race(wanted: str, request: EngineRequest) -> Choice | None:
    """The engine that is clear without trying any.

    A remembered engine is opened, to make sure that it still runs.

    Args:
        wanted: what `--engine` says.
        request: what is to be computed; its name is not looked at.

    Returns:
        None when only a race can tell.
    """
    if wanted != AUTO:
        return Choice(wanted, "as named by --engine")
    if request.contract.compute_dtype != "float32":
        return Choice(KERAS, f"the one that computes in {request.contract.compute_dtype}")
    if visible_gpus() and sees_gpu():
        return Choice(KERAS, "the one that runs on a GPU")
    if not any(kind.installed for kind in CONVERTING.values()):
        return Choice(KERAS, "the only one installed")
    choice = remembered(request)
    if choice is None:
        return None
    try:
        open_engine(replace(request, name=choice.engine))
    except EngineError as error:
        log(f"{error} (it won an earlier race)")
        forget(request)
        return None
    return choice


def open_without_race(contract: Contract, weights: WeightsRequest, batch_size: int) -> Engine:
    """Open the engine that `--engine auto` means without trying any: Keras if no race was run yet.

    Raises:
        WeightsError: the weights found here are not those of the contract.
    """
    request = EngineRequest(AUTO, contract, weights, batch_size, threads=None)
    choice = choose_without_race(AUTO, request)
    return open_engine(replace(request, name=KERAS if choice is None else choice.engine))
