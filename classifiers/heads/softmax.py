"""The book's other head: global average pooling and one softmax layer, for many classes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from classifiers.data.training_set import TrainingSet
from classifiers.heads.course import Course
from classifiers.heads.head import History
from classifiers.heads.kind import HeadOption, real_from_zero, share
from classifiers.heads.network import COPIES, FittedNetwork, fit_network, network_kind
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class SoftmaxHead:
    """The mean of each channel, then softmax; SGD with momentum, at a rate that falls.

    The recipe is Géron's for Xception on photographs of flowers (Hands-On Machine Learning, 2nd
    edition, 2019, chapter 14), and so are the defaults but for the rate, which is 0.2 there: means
    of VGG16's channels are vectors some ten times as long, on which it overshoots.

    Attributes:
        momentum: of SGD.
        decay: the rate at step s is `learning_rate` / (1 + decay s).
        learning_rate: at the first step.
        epochs: passes over the training split.
        batch_size: images a step.
        keep: the epoch whose weights are kept, "last" or "best" on validation.
        patience: epochs without a lower validation loss that end it; None for no end.
    """

    momentum: float = 0.9
    decay: float = 0.01
    learning_rate: float = 0.01
    epochs: int = 5
    batch_size: int = 32
    name: str = "softmax"
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
        """See `NetworkHead.build`; features that are pooled already are their own mean."""
        keras = load_keras()
        *places, channels = shape
        return keras.Sequential(
            [
                keras.Input((prod(shape),)),
                keras.layers.Reshape((prod(places), channels)),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(classes, activation="softmax"),
            ]
        )

    def optimizer(self, learning_rate: float) -> "keras.optimizers.Optimizer":
        """See `NetworkHead.optimizer`."""
        keras = load_keras()
        falling = keras.optimizers.schedules.InverseTimeDecay(learning_rate, 1, self.decay)
        return keras.optimizers.SGD(falling, momentum=self.momentum)


_PLAIN = SoftmaxHead()

KIND = network_kind(
    SoftmaxHead,
    HeadOption("momentum", share, default=_PLAIN.momentum),
    HeadOption(
        "decay",
        real_from_zero,
        "at step s the rate is divided by 1 + decay s",
        default=_PLAIN.decay,
    ),
    epochs_alone=5,
)
