"""Racing again, when a run is much slower than the race that chose its engine."""

from collections.abc import Sequence
from dataclasses import replace

from pipelines.cli import log
from pipelines.engines.choosing import RACE_FROM, choose_engine
from pipelines.engines.race_results import Choice, remember
from pipelines.engines.request import Computation, EngineRequest
from pipelines.records import ImageRef

SLOW = 0.5
"""Share of a race's images a second below which the race is not believed any more."""


def is_slow(choice: Choice, images_per_second: float) -> bool:
    """Whether a run was so much slower than its engine was in the race.

    A run that is slow for a reason of its own, such as decoding that wants the same cores, is as
    slow after the next race. So it is held against the run that the last race was held for.

    Args:
        choice: of the run.
        images_per_second: of the base alone, of one worker.
    """
    found = choice.lived or choice.images_per_second
    return found is not None and images_per_second < SLOW * found


def race_again_if_slow(
    choice: Choice,
    wanted: str,
    asked: Computation,
    images_per_second: float | None,
    rest: Sequence[ImageRef],
) -> tuple[Choice, EngineRequest] | None:
    """After a part of a run: race again if it was slow, at once or in the next run.

    Args:
        choice: of the part.
        wanted: what `--engine` says.
        asked: what is computed.
        images_per_second: of the base alone, of one worker; None where it was not measured.
        rest: images and copies of the parts to come.

    Returns:
        The engine for those; None where it stays the same.
    """
    if images_per_second is None or not is_slow(choice, images_per_second):
        return None
    now = len(rest) >= RACE_FROM
    log(
        f"the base ran at {images_per_second:.1f} images/s, less than half of the "
        f"{choice.images_per_second:.1f} of its race: the engines race again"
        + ("" if now else " in the next run")
    )
    remember(asked, replace(choice, lived=images_per_second), due=True)
    if not now:
        return None
    again, engine = choose_engine(wanted, asked, rest)
    log(again.describe())
    return replace(again, lived=images_per_second), engine
