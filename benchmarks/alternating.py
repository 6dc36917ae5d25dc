"""Timing several ways of one job in turn, so that a machine's drift hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Timing:
    """What repeated runs of one way took.

    Attributes:
        seconds: of each repeat.
        ratios: speed against the first way, repeat by repeat; above 1 is faster.
    """

    seconds: tuple[float, ...]
    ratios: tuple[float, ...]

    @property
    def median_seconds(self) -> float:
        """The middle repeat."""
        return statistics.median(self.seconds)

    @property
    def median_ratio(self) -> float:
        """The middle ratio."""
        return statistics.median(self.ratios)

    def speed_against(self, other: "Timing") -> tuple[float, ...]:
        """How many times as fast as another way this one was, repeat by repeat."""
        return tuple(b / a for a, b in zip(self.seconds, other.seconds, strict=True))


def time_in_turn(ways: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, Timing]:
    """Run every way in turn, `repeats` times; the first is what all are held against."""

    def timed(way: Callable[[], object]) -> Callable[[], float]:
        def run() -> float:
            started = time.perf_counter()
            way()
            return time.perf_counter() - started

        return run

    return measure_in_turn({name: timed(way) for name, way in ways.items()}, repeats)


def measure_in_turn(ways: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, Timing]:
    """Like `time_in_turn`, for ways that know themselves which of their seconds count."""
    return hold_against_first(take_in_turn(ways, repeats))


def take_in_turn(ways: Mapping[str, Callable[[], _T]], repeats: int) -> dict[str, list[_T]]:
    """Run every way in turn, `repeats` times, and keep what each run gives."""
    taken: dict[str, list[_T]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            taken[name].append(way())
    return taken


def hold_against_first(seconds: Mapping[str, Sequence[float]]) -> dict[str, Timing]:
    """Timings from each way's seconds, repeat by repeat; all are held against the first way."""
    first = seconds[next(iter(seconds))]
    return {
        name: Timing(tuple(own), tuple(a / b for a, b in zip(first, own, strict=True)))
        for name, own in seconds.items()
    }


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, least and most of repeated figures: the cells of a table."""
    return statistics.median(values), min(values), max(values)
