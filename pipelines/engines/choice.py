"""The engine a run takes: named, remembered, or found by racing on some of its own images."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipelines.cli import log
from pipelines.engines.choosing import choose_without_race
from pipelines.engines.kinds import KERAS
from pipelines.engines.opening import EngineRequest, open_engine
from pipelines.engines.parallel import Pixels
from pipelines.engines.race_results import Choice
from pipelines.engines.racing import race
from pipelines.images.decode import pixel_spec
from pipelines.images.loading import load_image
from pipelines.records import Failure, ImageRef

RACE_FROM = 200
"""Images to extract from which a race, some ten to thirty seconds, is worth its time."""

SAMPLE = 64
"""Images of a race, rounded to whole batches."""


def choose_engine(
    wanted: str, request: EngineRequest, refs: Sequence[ImageRef]
) -> tuple[Choice, EngineRequest]:
    """Choose the engine that all workers of a run use.

    Args:
        wanted: what `--engine` says.
        request: what is to be computed; its name is not looked at.
        refs: the images and copies to extract.

    Returns:
        The choice, and the request with its engine's name.

    Raises:
        UsageError: the engine named is not installed.
        EngineError: it cannot run the base, or gives other features than Keras.
        WeightsError: the weights found here are not those of the contract.
    """
    choice = choose_without_race(wanted, request)
    if choice is None and len(refs) >= RACE_FROM:
        images = sample_pixels(refs, request)
        if len(images):
            log(f"the engines race on {len(images)} of the images, once for this machine")
            choice = race(request, images)
            for trial in choice.trials:
                if trial.refusal is not None:
                    log(f"engine {trial.engine} does not take part: {trial.refusal}")
    if choice is None:
        few = f"no race was run yet and {len(refs)} images are too few for one"
        none = "no image that a race could have used was found"
        choice = Choice(KERAS, few if len(refs) < RACE_FROM else none)
    chosen = replace(request, name=choice.engine)
    open_engine(chosen)  # what is wrong with it is found here, before any worker starts
    return choice, chosen


def sample_pixels(refs: Sequence[ImageRef], request: EngineRequest) -> Pixels:
    """Decode images spread evenly over a list, passing over those that cannot be used.

    A copy is raced by its image: an engine is as fast on one as on the other.

    Returns:
        uint8 (n, size, size, 3); n is 0 when none of those looked at can be used.
    """
    batch = request.batch_size
    count = max(1, SAMPLE // batch) * batch
    spec = pixel_spec(request.contract)
    places = np.unique(np.linspace(0, len(refs) - 1, count).astype(int))
    loaded = (load_image(replace(refs[place], copy=0), spec) for place in places)
    pixels = [each.pixels for each in loaded if not isinstance(each, Failure)]
    if len(pixels) > batch:
        pixels = pixels[: len(pixels) // batch * batch]
    return np.stack(pixels) if pixels else np.zeros((0, spec.size, spec.size, 3), np.uint8)
