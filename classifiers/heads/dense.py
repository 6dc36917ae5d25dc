"""The book's head: a dense layer with dropout on top of the frozen base, in Keras."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from classifiers.data.training_set import TrainingSet
from classifiers.heads.course import Course
from classifiers.heads.head import History
from classifiers.heads.kind import HeadOption, share
from classifiers.heads.network import COPIES, FittedNetwork, fit_network, network_kind
from pipelines.cli import positive_number
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class DenseHead:
    """Dense, dropout, sigmoid or softmax; RMSprop at a low rate.

    The defaults are Chollet's (Deep Learning with Python, 2017, section 5.3.1).

    Attributes:
        units: width of the hidden layer.
        dropout: share of hidden units dropped in training.
        learning_rate: of RMSprop.
        epochs: passes over the training split.
        batch_size: images a step.
        keep: the epoch whose weights are kept, "last" or "best" on validation.
        patience: epochs without a lower validation loss that end it; None for no end.
    """

    units: int = 256
    dropout: float = 0.5
    learning_rate: float = 2e-5
    epochs: int = 30
    batch_size: int = 20
    name: str = "dense"
    keep: str = "last"
    patience: int | None = None

    @property
    def streams(self) -> bool:
        """See `Head.streams`."""
        return True

    def settings(self) -> dict[str, Any]:
        """See `Head.settings`."""
        return asdict(self)

    def check(self, rows: int) -> None:
        """Any size will do."""

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """See `Head.memory`."""
        return COPIES * (train_bytes + validation_bytes)

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        classes: int,
        class_weight: Mapping[int, float] | None,
        seed: int,
        course: Course | None = None,
    ) -> tuple[FittedNetwork, History]:
        """See `EpochHead.fit`."""
        return fit_network(self, train, validation, classes, class_weight, seed, course)

    def build(self, shape: tuple[int, ...], classes: int) -> "keras.Model":
        """See `NetworkHead.build`."""
        two = classes == 2
        return self.ending_in(shape, 1 if two else classes, "sigmoid" if two else "softmax")

    def ending_in(self, shape: tuple[int, ...], outputs: int, activation: str) -> "keras.Model":
        """A new network, as `build` makes it.

        Args:
            shape: of one image's features before flattening.
            outputs: numbers that it gives of an image.
            activation: what makes these probabilities.
        """
        keras = load_keras()
        return keras.Sequential(
            [
                keras.Input((prod(shape),)),
                keras.layers.Dense(self.units, activation="relu"),
                keras.layers.Dropout(self.dropout),
                keras.layers.Dense(outputs, activation=activation),
            ]
        )

    def optimizer(self, learning_rate: float) -> "keras.optimizers.Optimizer":
        """See `NetworkHead.optimizer`."""
        return load_keras().optimizers.RMSprop(learning_rate=learning_rate)


_PLAIN = DenseHead()

KIND = network_kind(
    DenseHead,
    HeadOption("units", positive_number, default=_PLAIN.units),
    HeadOption("dropout", share, default=_PLAIN.dropout),
    epochs_alone=3,
)
