"""Timing several ways of one job in turn, so that a machine's drift hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


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


def time_in_turn(ways: Mapping[str, Callable[[], None]], repeats: int) -> dict[str, Timing]:
    """Run every way in turn, `repeats` times; the first is what all are held against."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    first = seconds[next(iter(ways))]
    return {
        name: Timing(tuple(own), tuple(a / b for a, b in zip(first, own, strict=True)))
        for name, own in seconds.items()
    }
