"""What races found, and keeping it for later runs of the same work on the same machine."""

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.engines.conversions import computed_part
from pipelines.engines.kinds import CONVERTING, KERAS
from pipelines.engines.request import Computation
from pipelines.system.cache import cache_folder
from pipelines.system.cached_json import keep_json, kept_json
from pipelines.system.cores import usable_cores
from pipelines.system.keras_backend import keras_backend
from pipelines.system.processor import processor_named, vector_instructions
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
        error: largest relative L2 error of any image against Keras in float32; None when it could
            not run.
        refusal: why it may not win; None when it may.
        slowest: images a second in its worst round; None when it could not run.
        rounds: how many it ran.
        compute_dtype: what it computed in.
    """

    engine: str
    images_per_second: float | None
    error: float | None
    refusal: str | None
    slowest: float | None = None
    rounds: int = 0
    compute_dtype: str = "float32"

    def describe(self, asked: str) -> str:
        """How it did, in words.

        Args:
            asked: the compute dtype asked for, which is not repeated.
        """
        name = self.engine if self.compute_dtype == asked else f"{self.engine} in float32"
        return f"{name} {tell_spread(self.slowest, self.images_per_second)} images/s"


def tell_spread(slowest: float | None, fastest: float | None) -> str:
    """Images a second from the worst round to the best; "-" where none was run."""
    if fastest is None:
        return "-"
    low, high = f"{fastest if slowest is None else slowest:.1f}", f"{fastest:.1f}"
    return high if low == high else f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine of a run and why it is that one.

    Attributes:
        engine: its name.
        reason: in words.
        trials: of the race it won; empty without one.
        lived: images a second of the run that was so much slower than an earlier race that this
            one was held; later runs are held against it. None where there was no such run.
    """

    engine: str
    reason: str
    trials: tuple[Trial, ...] = ()
    lived: float | None = None

    @property
    def won(self) -> Trial | None:
        """How the engine did in the race it won; None without one."""
        won = (t for t in self.trials if t.engine == self.engine and t.refusal is None)
        return next(won, None)

    @property
    def images_per_second(self) -> float | None:
        """What the engine did in the race it won; None without one."""
        return None if self.won is None else self.won.images_per_second

    def describe(self) -> str:
        """The choice in one line."""
        asked = "float32" if self.won is None else self.won.compute_dtype
        ran = [
            f"{t.describe(asked)} (error {t.error:.0e})"
            for t in sorted(self.trials, key=lambda t: -(t.images_per_second or 0.0))
            if t.images_per_second is not None and t.error is not None
        ]
        return f"engine {self.engine}, {self.reason}" + (f": {', '.join(ran)}" if ran else "")


def remembered(asked: Computation) -> Choice | None:
    """What an earlier race of this work on this machine chose; None if another one is due."""
    found = kept_json(_name(asked))
    if found is None or found.get("due"):
        return None
    try:
        trials = tuple(Trial(**trial) for trial in found["trials"])
        choice = Choice(
            found["engine"], "the fastest of an earlier race", trials, found.get("lived")
        )
    except (TypeError, KeyError):
        return None
    kind = CONVERTING.get(choice.engine)
    return choice if choice.engine == KERAS or (kind and kind.installed) else None


def remember(asked: Computation, choice: Choice, due: bool = False) -> None:
    """Keep a race's choice; a cache that cannot be written only costs time.

    Args:
        asked: what was raced for.
        choice: the winner.
        due: whether another race is to be held before it is believed again.
    """
    keep_json(_name(asked), {**asdict(choice), "due": due, "for": _circumstances(asked)})


def slow_run(asked: Computation) -> float | None:
    """Images a second of the run for which another race is due; None where none is."""
    found = kept_json(_name(asked)) or {}
    lived = found.get("lived") if found.get("due") else None
    return lived if isinstance(lived, float) else None


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
        compute_dtype: what was computed in.
        images_per_second: the winner's.
        slowest: its worst round's.
        counts: whether its result still holds: same processor, cores, backend and versions, and no
            run since was much slower.
    """

    base: str
    image_size: int
    engine: str
    compute_dtype: str
    images_per_second: float | None
    slowest: float | None
    counts: bool


def races() -> list[Race]:
    """All races whose results are kept, by base and size."""
    found = []
    for path in sorted((cache_folder() / RACES_FOLDER).glob("*.json")):
        with contextlib.suppress(TypeError, KeyError):
            kept = kept_json(f"{RACES_FOLDER}/{path.name}") or {}
            run, computed = kept["for"], kept["for"]["computed"]
            choice = Choice(kept["engine"], "", tuple(Trial(**each) for each in kept["trials"]))
            here = {**circumstances(), "threads": usable_cores()}
            race = Race(
                base=computed["base"],
                image_size=computed["image_size"],
                engine=choice.engine,
                compute_dtype=computed["compute_dtype"],
                images_per_second=choice.images_per_second,
                slowest=None if choice.won is None else choice.won.slowest,
                counts=not kept.get("due")
                and all(run.get(name) == value for name, value in here.items()),
            )
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
        "processor": processor_named(),
        "instructions": vector_instructions(),
        "backend": keras_backend(),
        "versions": installed_versions(_PACKAGES),
    }
