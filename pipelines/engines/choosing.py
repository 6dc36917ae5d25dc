"""Choosing a run's engine: the fastest of those that give Keras's features, once, by the driver."""

import contextlib
import hashlib
import json
import os
import platform
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.contract import Contract
from pipelines.cores import usable_cores, visible_gpus
from pipelines.engines.conversions import computed_part
from pipelines.engines.engine import PARITY_BOUND, Engine
from pipelines.engines.kinds import AUTO, CONVERTING, KERAS
from pipelines.engines.opening import EngineRequest, open_conversion, open_engine
from pipelines.engines.parallel import Pixels
from pipelines.engines.trial import ROUNDS, largest_error, time_engine, try_conversion
from pipelines.errors import EngineError, UsageError
from pipelines.versions import installed_versions
from pipelines.weights import WeightsRequest
from pipelines.weights.cache import cache_folder

_PACKAGES = ("keras", "tensorflow", "jax", "torch", *(kind.package for kind in CONVERTING.values()))


@dataclass(frozen=True, slots=True)
class Trial:
    """How one engine did.

    Attributes:
        engine: its name.
        images_per_second: in its best round; None when it could not run.
        error: largest relative L2 error of any image against Keras; None when it could not run.
        refusal: why it may not win; None when it may.
    """

    engine: str
    images_per_second: float | None
    error: float | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine of a run and why it is that one.

    Attributes:
        engine: its name.
        reason: in words.
        trials: of the race it won; empty without one.
    """

    engine: str
    reason: str
    trials: tuple[Trial, ...] = ()

    def describe(self) -> str:
        """The choice in one line."""
        ran = [
            f"{t.engine} {t.images_per_second:.1f} images/s (error {t.error:.0e})"
            for t in sorted(self.trials, key=lambda t: -(t.images_per_second or 0.0))
            if t.images_per_second is not None and t.error is not None
        ]
        return f"engine {self.engine}, {self.reason}" + (f": {', '.join(ran)}" if ran else "")


def choose_without_race(wanted: str, request: EngineRequest) -> Choice | None:
    """The engine that is clear without trying: named, remembered, or the only one that can be.

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
    if visible_gpus():
        return Choice(KERAS, "the one that runs on a GPU")
    if not any(kind.installed for kind in CONVERTING.values()):
        return Choice(KERAS, "the only one installed")
    return _remembered(request)


def open_without_race(contract: Contract, weights: WeightsRequest, batch_size: int) -> Engine:
    """Open the engine that `--engine auto` means without trying any: Keras if no race was run yet.

    Raises:
        WeightsError: the weights found here are not those of the contract.
    """
    request = EngineRequest(AUTO, contract, weights, batch_size, threads=None)
    choice = choose_without_race(AUTO, request)
    return open_engine(replace(request, name=KERAS if choice is None else choice.engine))


def race(request: EngineRequest, images: Pixels) -> Choice:
    """Run the installed engines on real images; the fastest within the parity bound wins.

    Every engine gets all cores of the machine. The choice is kept for later runs of the same work
    on the same machine.

    Args:
        request: what is to be computed; its name is not looked at.
        images: uint8 (n, size, size, 3), some of those that are to be extracted.
    """
    reference = time_engine(open_engine(replace(request, name=KERAS)), images, ROUNDS)
    trials = [Trial(KERAS, reference.images_per_second, 0.0, None)]
    for kind in CONVERTING.values():
        own = replace(request, name=kind.name)
        if not kind.installed:
            trials.append(Trial(kind.name, None, None, "not installed"))
            continue
        try:
            result = try_conversion(
                kind.name,
                open_conversion(own),
                usable_cores(),
                own.batch_size,
                images,
                ROUNDS,
            )
        except (EngineError, UsageError) as error:
            trials.append(Trial(kind.name, None, None, str(error)))
            continue
        except Exception as error:  # whatever a converter raises costs its engine the race only
            trials.append(Trial(kind.name, None, None, f"{type(error).__name__}: {error}"))
            continue
        error_found = largest_error(result.features, reference.features)
        refusal = None
        if not error_found <= PARITY_BOUND:
            refusal = f"off by {error_found:.1e}, more than {PARITY_BOUND:.0e}"
            error_found = min(error_found, 1e30)
        trials.append(Trial(kind.name, result.images_per_second, error_found, refusal))
    eligible = [t for t in trials if t.refusal is None and t.images_per_second is not None]
    winner = max(eligible, key=lambda t: t.images_per_second or 0.0)
    choice = Choice(winner.engine, "the fastest of a race", tuple(trials))
    _remember(request, choice)
    return choice


def _remembered(request: EngineRequest) -> Choice | None:
    try:
        found = json.loads(_path(request).read_text(encoding="utf-8"))
        trials = tuple(Trial(**trial) for trial in found["trials"])
        choice = Choice(found["engine"], "the fastest of an earlier race", trials)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    kind = CONVERTING.get(choice.engine)
    return choice if choice.engine == KERAS or (kind and kind.installed) else None


def _remember(request: EngineRequest, choice: Choice) -> None:
    path = _path(request)
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
            json.dump({**asdict(choice), "for": _circumstances(request)}, draft, indent=2)
        Path(draft.name).replace(path)


def _path(request: EngineRequest) -> Path:
    key = json.dumps(_circumstances(request), sort_keys=True)
    return cache_folder() / "engines" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _circumstances(request: EngineRequest) -> dict[str, Any]:
    return {
        "computed": computed_part(request.contract),
        "cores": usable_cores(),
        "processor": _processor(),
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "versions": installed_versions(_PACKAGES),
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
