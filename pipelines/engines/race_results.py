"""What races found, and keeping it for later runs of the same work on the same machine."""

import contextlib
import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.engines.conversions import computed_part
from pipelines.engines.kinds import CONVERTING, KERAS
from pipelines.engines.request import Computation
from pipelines.system.cache import cache_folder
from pipelines.system.cached_json import keep_json, kept_json
from pipelines.system.cores import usable_cores
from pipelines.system.keras_backend import keras_backend
from pipelines.system.versions import installed_versions

_PACKAGES = ("keras", "tensorflow", "jax", "torch", *(kind.package for kind in CONVERTING.values()))

RACES_FOLDER = "engines"
"""Where results lie inside the cache."""


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

    @property
    def images_per_second(self) -> float | None:
        """What the engine did in the race it won; None without one."""
        rates = (trial.images_per_second for trial in self.trials if trial.engine == self.engine)
        return next(rates, None)

    def describe(self) -> str:
        """The choice in one line."""
        ran = [
            f"{t.engine} {t.images_per_second:.1f} images/s (error {t.error:.0e})"
            for t in sorted(self.trials, key=lambda t: -(t.images_per_second or 0.0))
            if t.images_per_second is not None and t.error is not None
        ]
        return f"engine {self.engine}, {self.reason}" + (f": {', '.join(ran)}" if ran else "")


def remembered(asked: Computation) -> Choice | None:
    """What an earlier race of this work on this machine chose; None if there was none."""
    found = kept_json(_name(asked))
    if found is None:
        return None
    try:
        trials = tuple(Trial(**trial) for trial in found["trials"])
        choice = Choice(found["engine"], "the fastest of an earlier race", trials)
    except (TypeError, KeyError):
        return None
    kind = CONVERTING.get(choice.engine)
    return choice if choice.engine == KERAS or (kind and kind.installed) else None


def remember(asked: Computation, choice: Choice) -> None:
    """Keep a race's choice; a cache that cannot be written only costs time."""
    keep_json(_name(asked), {**asdict(choice), "for": _circumstances(asked)})


def forget(asked: Computation) -> None:
    """Drop a choice that turned out not to hold any more."""
    with contextlib.suppress(OSError):
        (cache_folder() / _name(asked)).unlink()


@dataclass(frozen=True, slots=True)
class Race:
    """A race that was run on this machine.

    Attributes:
        base: what ran.
        image_size: height and width in pixels.
        engine: the winner.
        images_per_second: the winner's.
        counts: whether its result still holds: same processor, cores, backend and versions.
    """

    base: str
    image_size: int
    engine: str
    images_per_second: float | None
    counts: bool


def races() -> list[Race]:
    """All races whose results are kept, by base and size."""
    found = []
    for path in sorted((cache_folder() / RACES_FOLDER).glob("*.json")):
        with contextlib.suppress(TypeError, KeyError):
            kept = kept_json(f"{RACES_FOLDER}/{path.name}") or {}
            run, computed, winner = kept["for"], kept["for"]["computed"], kept["engine"]
            rates = {each["engine"]: each["images_per_second"] for each in kept["trials"]}
            here = {**circumstances(), "threads": usable_cores()}
            counts = all(run.get(name) == value for name, value in here.items())
            race = Race(computed["base"], computed["image_size"], winner, rates[winner], counts)
            found.append(race)
    return sorted(found, key=lambda race: (race.base, race.image_size, not race.counts))


def _name(asked: Computation) -> str:
    key = json.dumps(_circumstances(asked), sort_keys=True)
    return f"{RACES_FOLDER}/{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _circumstances(asked: Computation) -> dict[str, Any]:
    return {
        "computed": computed_part(asked.contract),
        "batch_size": asked.batch_size,
        "threads": asked.threads or usable_cores(),
        **circumstances(),
    }


def circumstances() -> dict[str, Any]:
    """What the speed of engines depends on here: processor, Keras's backend, versions."""
    return {
        "processor": _processor(),
        "backend": keras_backend(),
        "versions": installed_versions(_PACKAGES),
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
