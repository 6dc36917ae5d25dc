"""Settings that are searched: heads, poolings, scalers, and values of the heads' own options."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import NoReturn

from classifiers.data.pooled import AS_STORED
from classifiers.heads.catalogue import HEADS
from classifiers.heads.head import Head

LINEAR = ("logistic", "linear_svm", "ridge")
"""Heads with a C, on features that are scaled first; a path of C shares its work."""

NETWORKS = ("dense", "softmax")
"""Heads that are trained in epochs, once for each setting."""

SEARCHED = (*LINEAR, "knn", *NETWORKS)
"""Heads that can be searched."""

UNSCALED = "none"
"""The scaler of heads that have none."""

DEFAULT_GRIDS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "knn": {"k": (1, 5, 10, 20, 50), "temperature": (0.07,)},
    "dense": {"learning_rate": (1e-5, 3e-5, 1e-4), "units": (64, 256), "epochs": (30,)},
    "softmax": {"learning_rate": (0.003, 0.01, 0.03), "epochs": (5,)},
}
"""Values of the options of heads without a C, where none are given."""

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """What one model would be trained with.

    Attributes:
        head: kind of head.
        pooling: of the stored maps: "none", "avg" or "max".
        scaler: what is done to features first; "none" for heads that have no scaler.
        values: of the head's own options, by name.
    """

    head: str
    pooling: str
    scaler: str
    values: Values

    @property
    def options(self) -> dict[str, str]:
        """What `train` is told for a model of it, by option."""
        pooling = {} if self.pooling == AS_STORED else {"pooling": self.pooling}
        scaler = {"scaler": self.scaler} if self.head in LINEAR else {}
        values = {name: f"{value:g}" for name, value in self.values.items()}
        return {"head": self.head, **pooling, **scaler, **values}

    def make_head(self) -> Head:
        """The head, before training."""
        scaler = {"scaler": self.scaler} if self.head in LINEAR else {}
        return HEADS[self.head].make({**self.values, **scaler}, _no_contract)


@dataclass(frozen=True, slots=True)
class SettingsPath:
    """Settings of a head that are scored in one go, since they share their work.

    Attributes:
        head: as in `Setting`.
        pooling: likewise.
        scaler: likewise.
        points: the values of each setting.
    """

    head: str
    pooling: str
    scaler: str
    points: tuple[Values, ...]

    @property
    def name(self) -> str:
        """What it is kept under."""
        points = json.dumps(self.points, sort_keys=True).encode()
        digest = hashlib.sha256(points).hexdigest()[:16]
        return f"{self.head} {self.pooling} {self.scaler} {digest}"

    def __str__(self) -> str:
        pooling = [] if self.pooling == AS_STORED else [f"{self.pooling} pooling"]
        scaler = [self.scaler] if self.head in LINEAR else []
        return ", ".join([self.head, *pooling, *scaler])

    def settings(self) -> list[Setting]:
        """Its settings, in order."""
        return [Setting(self.head, self.pooling, self.scaler, each) for each in self.points]


@dataclass(frozen=True, slots=True)
class Space:
    """All settings: each head with each pooling, scaler and value of its options.

    Attributes:
        heads: kinds of head.
        poolings: of the stored maps.
        scalers: of the linear heads.
        grids: values by option, for the heads that have it: those of C ascending. Other options
            have those of `DEFAULT_GRIDS`.
    """

    heads: tuple[str, ...]
    poolings: tuple[str, ...]
    scalers: tuple[str, ...]
    grids: Mapping[str, tuple[float, ...]]

    def paths(self) -> list[SettingsPath]:
        """All of them."""
        return [
            SettingsPath(head, pooling, scaler, points)
            for head, pooling in product(self.heads, self.poolings)
            for scaler in (self.scalers if head in LINEAR else (UNSCALED,))
            for points in self._points(head)
        ]

    def _points(self, head: str) -> list[tuple[Values, ...]]:
        grid: Mapping[str, tuple[float, ...]] = {"C": ()}
        grid = DEFAULT_GRIDS.get(head, grid)
        values = [self.grids.get(name, usual) for name, usual in grid.items()]
        points = [dict(zip(grid, each, strict=True)) for each in product(*values)]
        return [(each,) for each in points] if head in NETWORKS else [tuple(points)]


def _no_contract() -> NoReturn:
    raise AssertionError("a fine-tuned head alone asks for the contract, and none is searched")
