"""The dense head with an output for each label: a sigmoid of its own, and binary cross-entropy."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import TrainingSet
from classifiers.heads.course import Course
from classifiers.heads.dense import DenseHead
from classifiers.heads.dense_epochs import Schedule
from classifiers.heads.head import History
from classifiers.heads.network import FittedNetwork, train_network
from classifiers.heads.several.head import Opinion
from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class SeveralDense:
    """The dense head, of which every label has an output.

    Attributes:
        head: its settings.
    """

    head: DenseHead

    @property
    def name(self) -> str:
        """See `SeveralHead.name`."""
        return self.head.name

    @property
    def streams(self) -> bool:
        """See `Head.streams`."""
        return self.head.streams

    def settings(self) -> dict[str, Any]:
        """See `Head.settings`."""
        return self.head.settings()

    def check(self, rows: int) -> None:
        """Any size will do."""

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """See `Head.memory`."""
        return self.head.memory(train_bytes, validation_bytes)

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        labels: int,
        class_weight: str,
        seed: int,
        course: Course,
    ) -> tuple["FittedSeveralDense", History]:
        """See `SeveralHead.fit`; the history's accuracy is over all images and labels."""
        if class_weight != "none":
            raise UsageError(
                f"--class_weight {class_weight} of several labels an image is for --head logistic, "
                f"linear_svm, ridge or rbf_svm, not for {self.name}"
            )
        load_keras().utils.set_random_seed(seed)
        network = self.head.ending_in(train.shape, labels, "sigmoid")
        schedule = Schedule(
            self.head.epochs, self.head.batch_size, None, seed, "binary_crossentropy", _accuracy
        )
        optimizer = self.head.optimizer(self.head.learning_rate)
        course.begin(network.variables)
        history = train_network(network, optimizer, train, validation, schedule, course)
        return FittedSeveralDense(FittedNetwork(network)), history


def _accuracy() -> "keras.metrics.Metric":
    return load_keras().metrics.BinaryAccuracy(name="accuracy")


class FittedSeveralDense:
    """A trained network of which every label has an output."""

    file_name: ClassVar[str] = FittedNetwork.file_name

    def __init__(self, network: FittedNetwork) -> None:
        """Give labels by a network from flat features to a probability of each label."""
        self._network = network

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `FittedNetwork.load`."""
        return cls(FittedNetwork.load(folder))

    @property
    def length(self) -> int | None:
        """See `FittedHead.length`."""
        return self._network.length

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """See `FittedHead.input_shape`."""
        return self._network.input_shape

    @property
    def outputs(self) -> int:
        """See `FittedSeveral.outputs`."""
        return self._network.units

    @property
    def has_probabilities(self) -> bool:
        """See `Opinion`."""
        return True

    def is_finite(self) -> bool:
        """See `FittedHead.is_finite`."""
        return self._network.is_finite()

    def opine(self, features: npt.NDArray[np.float32]) -> Opinion:
        """See `FittedSeveral.opine`; of a sigmoid the log odds are what it is given."""
        return Opinion(np.asarray(self._network.logits(features), np.float64), True)

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`."""
        self._network.save(folder)
