"""The interface of a head: small models that learn classes from stored features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import TrainingSet
from classifiers.heads.odds import log_odds, probability

if TYPE_CHECKING:
    from classifiers.heads.course import Course

History = Sequence[Mapping[str, float]]
"""One row an epoch: epoch, loss, accuracy and, with a validation split, val_loss, val_accuracy.

Fine-tuning adds `trainable`, how many weight tensors were trained in that epoch. Empty for heads
that are fitted in one go.
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a head says of n images.

    Attributes:
        predicted: int64 (n,), class numbers.
        scores: float64 (n, classes), for people; the higher, the likelier.
        probabilities: float64 (n, classes), rows summing to 1; None from a head that has none.
        log_odds: float64 (n, classes), ln(p / (1 - p)) of each probability p, which tell sure
            images apart where probabilities are all 1; None from a head that has no logits.
        uncalibrated: float64 (n, classes), the head's own `ranking` where its probabilities were
            calibrated; None where they were not.
        had_probabilities: whether the head had any before its calibration.
    """

    predicted: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float64] | None
    log_odds: npt.NDArray[np.float64] | None = None
    uncalibrated: npt.NDArray[np.float64] | None = None
    had_probabilities: bool = False

    @classmethod
    def of_logits(
        cls, logits: npt.NDArray[np.floating], scores: npt.NDArray[np.float64] | None = None
    ) -> Self:
        """What logits say.

        Args:
            logits: (n, classes), or those of the second of two classes, (n,) or (n, 1).
            scores: as in `Judgement`; the probabilities when None.
        """
        odds = log_odds(logits)
        # Classes that tie by their logits may not after rounding: the first is meant.
        predicted = odds.argmax(axis=1) if odds.shape[1] == 2 else logits.argmax(axis=1)
        probabilities = probability(odds)
        return cls(predicted, probabilities if scores is None else scores, probabilities, odds)

    @property
    def ranking(self) -> npt.NDArray[np.float64]:
        """Float64 (n, classes), by which images rank: the log odds, or the scores without them."""
        return self.scores if self.log_odds is None else self.log_odds

    @property
    def own_ranking(self) -> npt.NDArray[np.float64]:
        """Float64 (n, classes), `ranking` before any calibration."""
        return self.ranking if self.uncalibrated is None else self.uncalibrated


class Judge(Protocol):
    """Whatever says what images show: a trained head, or a model with what its card decides by."""

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """See `FittedHead.judge`."""
        ...


class FittedHead(Protocol):
    """A trained head.

    Attributes:
        file_name: what `save` calls its file.
    """

    file_name: ClassVar[str]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote into a folder.

        Raises:
            ModelError: the file holds what is not trusted; each library has its own errors for a
                damaged one.
        """
        ...

    @property
    def length(self) -> int | None:
        """How many features of an image it takes; None for a model that reads images."""
        ...

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of what it takes of one image: `(length,)`, or `(size, size, 3)`.

        By this and the next two a model is held against its card before it is used.
        """
        ...

    @property
    def outputs(self) -> int:
        """How many classes it tells apart."""
        ...

    def is_finite(self) -> bool:
        """Whether it holds finite numbers only; others would make every answer NaN."""
        ...

    def judge(self, features: npt.NDArray[np.float32]) -> "Judgement":
        """Say what float32 features (n, length) show.

        A model that reads images takes their pixels instead, (n, size, size, 3), RGB, 0–255.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the head into a folder, in a format that holds no code."""
        ...


@runtime_checkable
class Converging(Protocol):
    """A head whose fit goes on until it converges, or is ended before."""

    converged: bool | None
    """Whether it did; None of a head that was loaded."""


class Head(Protocol):
    """A kind of head with its settings, before training."""

    @property
    def name(self) -> str:
        """What `--head` calls it."""
        ...

    @property
    def streams(self) -> bool:
        """Whether it can be trained on features that do not fit into memory."""
        ...

    def settings(self) -> dict[str, Any]:
        """All that makes this training what it is, for the card."""
        ...

    def check(self, rows: int) -> None:
        """Refuse a training split of that many rows when it is too large for this head.

        Raises:
            UsageError: it is; the message says what to use instead.
        """
        ...

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """Bytes that `fit` takes, the features included, when both sets are held in memory.

        Args:
            train_bytes: float32 features of the training split.
            validation_bytes: and of the validation split, 0 without one.
        """
        ...

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        classes: int,
        class_weight: Mapping[int, float] | None,
        seed: int,
    ) -> tuple[FittedHead, History]:
        """Train from scratch; the same arguments give the same head.

        A head that streams does so when `train` is a `StreamedSet`.
        """
        ...


@runtime_checkable
class EpochHead(Head, Protocol):
    """A kind of head that is trained epoch by epoch, and can go on from any."""

    @property
    def keep(self) -> str:
        """The epoch whose weights are kept, "last" or "best"."""
        ...

    @property
    def patience(self) -> int | None:
        """Epochs without a lower validation loss that end a step; None for no end."""
        ...

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        classes: int,
        class_weight: Mapping[int, float] | None,
        seed: int,
        course: "Course | None" = None,
    ) -> tuple[FittedHead, History]:
        """See `Head.fit`.

        Args:
            train: what to train on.
            validation: what to measure on after each epoch; None for nothing.
            classes: how many to tell apart.
            class_weight: by class number; None when all are alike.
            seed: of every random choice.
            course: of its epochs; a new one when None, of which nothing is kept.
        """
        ...
