"""Taking turns: engines run a round each, in turn, until the best of each is no accident.

What else a machine does only ever slows a round down, so an engine is as fast as its best round.
Taken one after the other, engines would not be equally lucky: a neighbour's burst would fall on one
of them alone.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipelines.errors import EngineError

LEAST_ROUNDS, MOST_ROUNDS = 4, 15
MOST_SECONDS = 40.0
"""Of all rounds together, after which each engine has at least `LATE_ROUNDS`, however few."""

LATE_ROUNDS = 2

ALIKE = 0.95
"""An engine's second best round from which on its best one is no accident, as a share of that."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How an engine did.

    Attributes:
        rates: images a second, of each round.
        failure: why it ran no further; None where it did not fail.
    """

    rates: tuple[float, ...]
    failure: EngineError | None = None

    @property
    def settled(self) -> bool:
        """Whether the best round was met twice, so that more rounds would tell nothing new."""
        *_, second, best = (0.0, 0.0, *sorted(self.rates))
        return self.failure is not None or 0.0 < ALIKE * best <= second


def take_turns(
    runners: Mapping[str, Callable[[], float]], now: Callable[[], float] = time.perf_counter
) -> dict[str, Rounds]:
    """Let engines run rounds in turn, every other time in the opposite order.

    Args:
        runners: by name, what runs a round and gives its images a second.
        now: seconds.
    """
    done = {name: Rounds(()) for name in runners}
    started = now()
    for turn in range(MOST_ROUNDS):
        if turn >= LEAST_ROUNDS and all(each.settled for each in done.values()):
            break
        if turn >= LATE_ROUNDS and now() - started >= MOST_SECONDS:
            break
        for name in list(runners) if turn % 2 == 0 else reversed(list(runners)):
            if done[name].failure is None:
                done[name] = _one_more(done[name], runners[name])
    return done


def _one_more(so_far: Rounds, run: Callable[[], float]) -> Rounds:
    try:
        return Rounds((*so_far.rates, run()))
    except EngineError as error:
        return Rounds(so_far.rates, error)
