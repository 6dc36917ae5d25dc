"""The interface of heads that say of each label whether an image has it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import TrainingSet
from classifiers.heads.course import Course
from classifiers.heads.head import History
from classifiers.heads.odds import probability

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a head says of n images.

    Attributes:
        scores: float64 (n, labels), the higher, the likelier; above 0 a label is likelier there
            than not. Log odds ln(p / (1 - p)) of each label's probability p, or distances from a
            surface.
        has_probabilities: whether they are log odds.
    """

    scores: Floats
    has_probabilities: bool

    @property
    def probabilities(self) -> Floats | None:
        """Float64 (n, labels), each of its own; None from a head that has none."""
        return probability(self.scores) if self.has_probabilities else None


class FittedSeveral(Protocol):
    """A trained head of several labels.

    Attributes:
        file_name: what `save` calls its file.
    """

    file_name: ClassVar[str]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `FittedHead.load`."""
        ...

    @property
    def length(self) -> int | None:
        """See `FittedHead.length`."""
        ...

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """See `FittedHead.input_shape`."""
        ...

    @property
    def outputs(self) -> int:
        """How many labels it knows."""
        ...

    @property
    def has_probabilities(self) -> bool:
        """See `Opinion`."""
        ...

    def is_finite(self) -> bool:
        """See `FittedHead.is_finite`."""
        ...

    def opine(self, features: npt.NDArray[np.float32]) -> Opinion:
        """Say which labels float32 features (n, length) have."""
        ...

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`."""
        ...


class SeveralHead(Protocol):
    """A kind of head of several labels with its settings, before training."""

    @property
    def name(self) -> str:
        """What `--head` calls it."""
        ...

    @property
    def streams(self) -> bool:
        """See `Head.streams`."""
        ...

    def settings(self) -> dict[str, Any]:
        """See `Head.settings`."""
        ...

    def check(self, rows: int) -> None:
        """See `Head.check`."""
        ...

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """See `Head.memory`."""
        ...

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        labels: int,
        class_weight: str,
        seed: int,
        course: Course,
    ) -> tuple[FittedSeveral, History]:
        """Train from scratch; the same arguments give the same head.

        Args:
            train: what to train on; its targets are int64 (n, labels), zeros and ones.
            validation: what to measure on after each epoch; None for nothing.
            labels: how many there are.
            class_weight: "none", or "balanced", which weighs of each label the images that have it
                by n / (2 x images with it), and the others likewise.
            seed: of every random choice.
            course: of its epochs, where it is trained by these.

        Raises:
            UsageError: this head has no such weights.
        """
        ...
