"""The race: every installed engine on some real images, the fastest with Keras's features wins."""

import math

from pipelines.contract import PARITY_BOUND
from pipelines.engines.kinds import CONVERTING, KERAS, EngineKind
from pipelines.engines.onnx_files import reference_for
from pipelines.engines.opening import open_conversion, open_engine
from pipelines.engines.parallel import Features, Pixels
from pipelines.engines.race_results import Choice, Trial, remember
from pipelines.engines.request import Computation
from pipelines.engines.trial import ROUNDS, largest_error, time_engine, try_conversion
from pipelines.errors import UnsuitableEngineError
from pipelines.system.cores import usable_cores


def race(asked: Computation, images: Pixels) -> Choice:
    """Run the installed engines on real images; the fastest within the parity bound wins.

    Every engine gets the cores that a worker of the run has. The choice is kept for later runs,
    unless an engine failed for a reason that may pass.

    Args:
        asked: what is to be computed.
        images: uint8 (n, size, size, 3), some of those that are to be extracted; whole batches, so
            that no engine pays for padding.
    """
    first = reference_for(asked.contract, KERAS)
    reference = time_engine(open_engine(asked.by(first)), images, ROUNDS)
    trials = [Trial(first, reference.images_per_second, 0.0, None)]
    certain = True
    for kind in CONVERTING.values():
        if kind.name == first or not kind.takes(asked.contract):
            continue
        try:
            trials.append(_try(kind, asked, images, reference.features))
        except UnsuitableEngineError as error:
            trials.append(Trial(kind.name, None, None, str(error)))
        except Exception as error:  # whatever goes wrong costs its engine this race only
            certain = False
            trials.append(Trial(kind.name, None, None, f"{type(error).__name__}: {error}"))
    eligible = [t for t in trials if t.refusal is None and t.images_per_second is not None]
    winner = max(eligible, key=lambda t: t.images_per_second or 0.0)
    choice = Choice(winner.engine, "the fastest of a race", tuple(trials))
    if certain:
        remember(asked, choice)
    return choice


def _try(kind: EngineKind, asked: Computation, images: Pixels, reference: Features) -> Trial:
    if not kind.installed:
        return Trial(kind.name, None, None, "not installed")
    folder = open_conversion(asked.by(kind.name))
    threads = asked.threads or usable_cores()
    result = try_conversion(kind.name, folder, threads, asked.batch_size, images, ROUNDS)
    error = largest_error(result.features, reference)
    if error <= PARITY_BOUND:
        return Trial(kind.name, result.images_per_second, error, None)
    refusal = f"off by {error:.1e}, more than {PARITY_BOUND:.0e}"
    shown = error if math.isfinite(error) else None  # the run's record is JSON
    return Trial(kind.name, result.images_per_second, shown, refusal)
