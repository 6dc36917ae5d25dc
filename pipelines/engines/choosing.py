"""The engine a run takes: named, remembered, or found by racing on some of its own images."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipelines.bases import WeightsRequest
from pipelines.cli import log
from pipelines.contract import HALF, INT8, ONNX_FILE, Contract
from pipelines.engines.engine import Engine
from pipelines.engines.half_precision import half_engine
from pipelines.engines.kinds import AUTO, CONVERTING, KERAS, OPENVINO
from pipelines.engines.onnx_files import reference_for
from pipelines.engines.opening import open_engine
from pipelines.engines.parallel import Pixels
from pipelines.engines.race_results import Choice, forget, remembered, slow_run
from pipelines.engines.racing import OUT, race
from pipelines.engines.request import Computation, EngineRequest
from pipelines.errors import EngineError
from pipelines.images.decode import pixel_spec
from pipelines.images.loading import load_image
from pipelines.records import Failure, ImageRef
from pipelines.system.gpus import visible_gpus
from pipelines.system.keras_backend import sees_gpu

RACE_FROM = 200
"""Images to extract from which a race, some ten to thirty seconds, is worth its time."""

SAMPLE = 64
"""Images of a race, rounded to whole batches."""


def choose_engine(
    wanted: str, asked: Computation, refs: Sequence[ImageRef]
) -> tuple[Choice, EngineRequest]:
    """Choose the engine that all workers of a run use.

    Args:
        wanted: what `--engine` says.
        asked: what is to be computed.
        refs: the images and copies to extract.

    Returns:
        The choice, and the request for that engine.

    Raises:
        UsageError: the engine named is not installed.
        EngineError: it cannot run the base, or gives other features than Keras.
        WeightsError: the weights found here are not those of the contract.
    """
    choice = choose_without_race(wanted, asked)
    if choice is None and len(refs) >= RACE_FROM:
        images = sample_pixels(refs, asked)
        if len(images):
            log(f"the engines race on {len(images)} of the images, once for this machine")
            choice = race(asked, images, slow_run(asked))
            for trial in choice.trials:
                if trial.refusal not in (None, OUT):
                    log(f"engine {trial.engine} does not take part: {trial.refusal}")
    if choice is None:
        few = f"no race was run yet and {len(refs)} images are too few for one"
        none = "no image that a race could have used was found"
        choice = Choice(_unraced(asked.contract), few if len(refs) < RACE_FROM else none)
    chosen = asked.by(choice.engine)
    open_engine(chosen)  # what is wrong with it is found here, before any worker starts
    return choice, chosen


def sample_pixels(refs: Sequence[ImageRef], asked: Computation) -> Pixels:
    """Decode images spread evenly over a list, passing over those that cannot be used.

    A copy is raced by its image: an engine is as fast on one as on the other.

    Returns:
        uint8 (n, size, size, 3); n is 0 when none of those looked at can be used.
    """
    batch = asked.batch_size
    count = max(1, SAMPLE // batch) * batch
    spec = pixel_spec(asked.contract)
    places = np.unique(np.linspace(0, len(refs) - 1, count).astype(int))
    loaded = (load_image(replace(refs[place], copy=0), spec) for place in places)
    pixels = [each.pixels for each in loaded if not isinstance(each, Failure)]
    if len(pixels) > batch:
        pixels = pixels[: len(pixels) // batch * batch]
    return np.stack(pixels) if pixels else np.zeros((0, spec.size, spec.size, 3), np.uint8)


def choose_without_race(wanted: str, asked: Computation) -> Choice | None:
    """The engine that is clear without trying any.

    A remembered engine is opened, to make sure that it still runs.

    Args:
        wanted: what `--engine` says.
        asked: what is to be computed.

    Returns:
        None when only a race can tell.
    """
    if wanted != AUTO:
        return Choice(wanted, "as named by --engine")
    if asked.contract.compute_dtype == INT8:
        return Choice(OPENVINO, "the one that computes in int8")
    if asked.contract.base == ONNX_FILE:
        able = [kind.name for kind in CONVERTING.values() if kind.takes(asked.contract)]
        there = [name for name in able if CONVERTING[name].installed]
        if len(there) < 2:  # without any, the reference's own complaint says so
            return Choice(reference_for(asked.contract, KERAS), "the only one that runs ONNX files")
        return _remembered(asked)
    if asked.contract.compute_dtype not in ("float32", *HALF):
        return Choice(KERAS, f"the one that computes in {asked.contract.compute_dtype}")
    if visible_gpus() and sees_gpu():
        return Choice(KERAS, "the one that runs on a GPU")
    if asked.contract.compute_dtype in HALF:
        return _half(asked)
    if not any(kind.installed and kind.takes(asked.contract) for kind in CONVERTING.values()):
        return Choice(KERAS, "the only one installed")
    return _remembered(asked)


def _half(asked: Computation) -> Choice | None:
    dtype = asked.contract.compute_dtype
    if half_engine(asked.contract) == KERAS:
        return Choice(KERAS, f"the one that computes in {dtype} on any processor")
    return _remembered(asked)


def _unraced(contract: Contract) -> str:
    """The engine that is taken where there was no race."""
    if contract.compute_dtype in HALF:
        return half_engine(contract)
    return reference_for(contract, KERAS)


def _remembered(asked: Computation) -> Choice | None:
    choice = remembered(asked)
    if choice is None:
        return None
    try:
        open_engine(asked.by(choice.engine))
    except EngineError as error:
        log(f"{error} (it won an earlier race)")
        forget(asked)
        return None
    return choice


def open_reference(
    contract: Contract, weights: WeightsRequest, batch_size: int, base_file: str | None = None
) -> Engine:
    """Open Keras, which all other engines are held against, and which no conversion can mislead.

    Of bases from ONNX files it is ONNX Runtime, or OpenVINO where that is not installed.

    Args:
        contract: of the features.
        weights: where to look for the weights.
        batch_size: images a call.
        base_file: path or URI of the base, if it is quantised; OpenVINO alone runs it then.

    Raises:
        WeightsError: the weights found here are not those of the contract.
    """
    asked = Computation(contract, weights, batch_size, threads=None, base_file=base_file)
    if contract.quantisation is not None:
        return open_engine(asked.by(OPENVINO))
    return open_engine(asked.by(reference_for(contract, KERAS)))


def open_without_race(
    contract: Contract, weights: WeightsRequest, batch_size: int, base_file: str | None = None
) -> Engine:
    """Open the engine that `--engine auto` means without trying any: Keras if no race was run yet.

    Args:
        contract: of the features.
        weights: where to look for the weights.
        batch_size: images a call.
        base_file: path or URI of the base, if it is quantised.

    Raises:
        WeightsError: the weights found here are not those of the contract.
    """
    asked = Computation(contract, weights, batch_size, threads=None, base_file=base_file)
    choice = choose_without_race(AUTO, asked)
    engine = _unraced(contract) if choice is None else choice.engine
    return open_engine(asked.by(engine))


def describe_auto(gpus: Sequence[str], installed: Mapping[str, bool], raced: bool) -> str:
    """What `--engine auto` takes here, in words, found without loading any engine.

    Args:
        gpus: names of the GPUs that a process would see.
        installed: whether each engine is installed, by name.
        raced: whether a race was run here whose result still holds.
    """
    if not installed[KERAS]:
        return "none: Keras is not installed; pip install 'frozen-features[extract]'"
    if gpus:
        return "keras, if its backend sees a GPU (it was not loaded to find out)"
    if sum(installed.values()) == 1:
        return "keras, the only one installed"
    known = "the winner of a race below; else " if raced else ""
    return f"{known}a race finds out, from {RACE_FROM} images on; keras for fewer"
