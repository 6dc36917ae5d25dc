"""The race: every installed engine on some real images, the fastest with Keras's features wins."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from pipelines.contract import HALF, HALF_ERRORS, PARITY_BOUND
from pipelines.engines.kinds import CONVERTING, KERAS, OPENVINO
from pipelines.engines.onnx_files import reference_for
from pipelines.engines.opening import open_conversion, open_engine
from pipelines.engines.parallel import Features, Pixels
from pipelines.engines.race_results import Choice, Trial, remember
from pipelines.engines.request import Computation
from pipelines.engines.rounds import Rounds, take_turns
from pipelines.engines.trial import TimedEngine, largest_error, trial_of
from pipelines.errors import UnsuitableEngineError
from pipelines.system.cores import usable_cores

OUT = "out of the race: computes in float32"
"""Why float32's engines cannot win where another dtype is asked for; they are its yardstick."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """An engine that takes part.

    Attributes:
        engine: its name.
        dtype: what it computes in.
        error: largest relative L2 error of any image.
        round: runs a batch; gives its images a second.
        refusal: why it may not win; None where it may.
    """

    engine: str
    dtype: str
    error: float
    round: Callable[[], float]
    refusal: str | None

    def after(self, rounds: Rounds) -> Trial:
        """How it did."""
        failure = None if rounds.failure is None else f"EngineError: {rounds.failure}"
        return Trial(
            engine=self.engine,
            images_per_second=max(rounds.rates, default=None),
            error=self.error if math.isfinite(self.error) else None,  # the run's record is JSON
            refusal=self.refusal or failure,
            slowest=min(rounds.rates, default=None),
            rounds=len(rounds.rates),
            compute_dtype=self.dtype,
        )


def race(asked: Computation, images: Pixels, lived: float | None = None) -> Choice:
    """Run the installed engines on real images, in turn; the fastest within the bound wins.

    Every engine gets the cores that a worker of the run has. Where a half precision is asked for,
    float32's engines run too and cannot win: they show whether it is worth its errors. The choice
    is kept for later runs, unless an engine failed for a reason that may pass.

    Args:
        asked: what is to be computed.
        images: uint8 (n, size, size, 3), some of those that are to be extracted; whole batches, so
            that no engine pays for padding.
        lived: see `Choice`.
    """
    plain = asked.in_float32() if asked.contract.compute_dtype in HALF else asked
    first = reference_for(plain.contract, KERAS)
    reference = TimedEngine(open_engine(plain.by(first)), images)
    out = None if plain is asked else OUT
    entrants = [Entrant(first, plain.contract.compute_dtype, 0.0, reference.round, out)]
    failed: list[Trial] = []
    certain = True
    with ExitStack() as trials:
        for one, name in _others(asked, plain, first):
            dtype = one.contract.compute_dtype
            try:
                entrant = _enter(trials, one, name, images, reference.features)
                entrants.append(entrant if one is asked else replace(entrant, refusal=OUT))
            except UnsuitableEngineError as error:
                failed.append(Trial(name, None, None, str(error), compute_dtype=dtype))
            except Exception as error:  # whatever goes wrong costs its engine this race only
                certain = False
                said = f"{type(error).__name__}: {error}"
                failed.append(Trial(name, None, None, said, compute_dtype=dtype))
        rounds = take_turns({f"{each.engine} {each.dtype}": each.round for each in entrants})
    done = [each.after(rounds[f"{each.engine} {each.dtype}"]) for each in entrants]
    certain = certain and all(each.failure is None for each in rounds.values())
    eligible = [trial for trial in done if trial.refusal is None]
    winner = max(eligible, key=lambda t: t.images_per_second or 0.0, default=None)
    reason = "the fastest of a race" if winner else "the only one left of a race"
    choice = Choice(winner.engine if winner else KERAS, reason, (*done, *failed), lived)
    if certain:
        remember(asked, choice)
    return choice


def _others(asked: Computation, plain: Computation, first: str) -> list[tuple[Computation, str]]:
    others = [
        (plain, kind.name)
        for kind in CONVERTING.values()
        if kind.name != first and kind.takes(plain.contract)
    ]
    return others if plain is asked else [(asked, OPENVINO), *others]


def _enter(
    trials: ExitStack, asked: Computation, name: str, images: Pixels, reference: Features
) -> Entrant:
    if not CONVERTING[name].installed:
        raise UnsuitableEngineError("not installed")
    dtype = asked.contract.compute_dtype
    folder = open_conversion(asked.by(name))
    threads = asked.threads or usable_cores()
    trial = trials.enter_context(trial_of(name, folder, threads, asked.batch_size, images))
    error = largest_error(trial.features, reference)
    bound = HALF_ERRORS.get(dtype, PARITY_BOUND)
    refusal = None if error <= bound else f"off by {error:.1e}, more than {bound:.0e}"
    return Entrant(name, dtype, error, trial.round, refusal)
