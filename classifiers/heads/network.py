"""Heads that are Keras networks: how they are trained, and how they judge."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import TrainingSet, rows_at_once
from classifiers.heads.answers import Answers
from classifiers.heads.course import COURSE_OPTIONS, Course
from classifiers.heads.dense_epochs import Schedule, train_epochs
from classifiers.heads.fused_rmsprop import fuse_rmsprop
from classifiers.heads.head import Head, History, Judgement
from classifiers.heads.kind import HeadKind, HeadOption
from classifiers.heads.logits import before_activation
from pipelines.cli import positive_number, positive_real
from pipelines.errors import ModelError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

STEPS_AT_ONCE = 100
"""Steps that TensorFlow makes between two looks into Python, where Ctrl-C is noticed."""

COPIES = 3
"""Memory that fitting takes, by the size of the features, which are counted in: the network's own
array of them, and what Keras makes of them on the way."""


class NetworkHead(Head, Protocol):
    """A head that is a small network on a base's features."""

    @property
    def learning_rate(self) -> float:
        """Of its optimizer."""
        ...

    @property
    def epochs(self) -> int:
        """Passes over the training split."""
        ...

    @property
    def batch_size(self) -> int:
        """Images a step."""
        ...

    @property
    def keep(self) -> str:
        """The epoch whose weights are kept, "last" or "best"."""
        ...

    @property
    def patience(self) -> int | None:
        """Epochs without a lower validation loss that end a step; None for no end."""
        ...

    def build(self, shape: tuple[int, ...], classes: int) -> "keras.Model":
        """A new network, its weights drawn from Keras's seed.

        Args:
            shape: of one image's features before flattening.
            classes: how many to tell apart.

        Returns:
            A model from flat features (n, length) to probabilities (n, classes), or (n, 1) of the
            second of two classes.
        """
        ...

    def optimizer(self, learning_rate: float) -> "keras.optimizers.Optimizer":
        """A new optimizer of this head's kind."""
        ...


def fit_network(
    head: NetworkHead,
    train: TrainingSet,
    validation: TrainingSet | None,
    classes: int,
    class_weight: Mapping[int, float] | None,
    seed: int,
    course: Course | None,
) -> tuple["FittedNetwork", History]:
    """`EpochHead.fit` of a network."""
    load_keras().utils.set_random_seed(seed)
    network = head.build(train.shape, classes)
    schedule = Schedule(head.epochs, head.batch_size, class_weight, seed)
    optimizer = head.optimizer(head.learning_rate)
    course = course or Course(head.keep, head.patience)
    course.begin(network.variables)
    history = train_network(network, optimizer, train, validation, schedule, course)
    return FittedNetwork(network), history


def train_network(
    network: "keras.Model",
    optimizer: "keras.optimizers.Optimizer",
    train: TrainingSet,
    validation: TrainingSet | None,
    schedule: Schedule,
    course: Course,
    steps_at_once: int | None = None,
) -> History:
    """Train what is trainable of a network; it stays compiled with that optimizer.

    Args:
        network: from flat features to probabilities, as `NetworkHead.build` makes it.
        optimizer: a new one.
        train: what to train on.
        validation: what to measure on after each epoch; None for nothing.
        schedule: how long.
        course: of the whole training, of which this is the next step.
        steps_at_once: steps between two looks into Python; `STEPS_AT_ONCE` when None.

    Raises:
        ModelError: the loss is no number any more.
    """
    keras = load_keras()
    compiled = keras.backend.backend() == "tensorflow"
    two = network.output_shape[-1] == 1
    of_classes = "binary_crossentropy" if two else "sparse_categorical_crossentropy"
    network.compile(
        optimizer=optimizer,
        loss=schedule.loss or of_classes,
        metrics=[schedule.accuracy()],
        steps_per_execution=(steps_at_once or STEPS_AT_ONCE) if compiled else 1,
    )
    if compiled and type(optimizer) is keras.optimizers.RMSprop:
        fuse_rmsprop(optimizer, network.trainable_variables)
    optimizer.build(network.trainable_variables)
    epochs = train_epochs(network, train, validation, schedule, course)
    if not all(math.isfinite(value) for value in epochs[-1].values()):
        raise ModelError(
            "the training diverged: its loss is no finite number any more; lower the learning rate"
        )
    return epochs


@dataclass(frozen=True, slots=True)
class NetworkKind(HeadKind):
    """A kind of head that is a network.

    Attributes:
        network: makes a head of this kind of its settings, by keyword.
        epochs_alone: passes in which it is trained alone when the base under it is to be trained
            too.
    """

    network: Callable[..., NetworkHead] = field(kw_only=True)
    epochs_alone: int = field(kw_only=True)


def network_kind(
    network: Callable[..., NetworkHead], *own: HeadOption, epochs_alone: int
) -> NetworkKind:
    """A kind of network.

    Args:
        network: makes a head of its settings, by keyword, all of which have a default.
        own: the options that it has besides those of every network; each is a setting.
        epochs_alone: as in `NetworkKind`.
    """
    plain = network()
    options = (
        HeadOption("learning_rate", positive_real, default=plain.learning_rate),
        HeadOption("epochs", positive_number, default=plain.epochs),
        HeadOption("batch_size", positive_number, default=plain.batch_size),
        *COURSE_OPTIONS,
    )
    return NetworkKind(
        plain.name,
        ("heads that are networks", "and what each has if not given"),
        (*options, *own),
        lambda given, _contract: network(**given),
        FittedNetwork,
        network=network,
        epochs_alone=epochs_alone,
    )


class FittedNetwork:
    """A trained network on features."""

    file_name: ClassVar[str] = "model.keras"

    def __init__(self, network: "keras.Model") -> None:
        """Judge by a network from flat features to probabilities, trained already."""
        self._network = network

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; safe mode refuses code in the file."""
        return cls(read_network(folder / cls.file_name))

    @property
    def length(self) -> int | None:
        """See `FittedHead.length`."""
        shape = self._network.input_shape
        return int(shape[1]) if len(shape) == 2 else None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """See `FittedHead.input_shape`."""
        shape = self._network.input_shape
        if not isinstance(shape, tuple):
            raise ModelError(f"it takes several inputs, of shapes {shape}")
        return shape[1:]

    @property
    def outputs(self) -> int:
        """See `FittedHead.outputs`; one output is the second of two classes."""
        return 2 if self.units == 1 else self.units

    @property
    def units(self) -> int:
        """Numbers that it gives of an image."""
        _, units = self._network.output_shape
        return int(units)

    def is_finite(self) -> bool:
        """See `FittedHead.is_finite`."""
        return all(np.isfinite(each.numpy()).all() for each in self._network.weights)

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """See `FittedHead.judge`; the scores are the probabilities."""
        return Judgement.of_logits(self.logits(features))

    def logits(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What its last activation is given of features (n, length), float32 (n, units)."""
        rows = rows_at_once(features.shape[1])
        outputs = [
            self._logits.predict_on_batch(features[start : start + rows])
            for start in range(0, len(features), rows)
        ]
        return np.concatenate(outputs)

    def as_network(self) -> Answers:
        """See `Exportable.as_network`."""
        return Answers(self._logits, "probabilities")

    @cached_property
    def _logits(self) -> "keras.Model":
        return before_activation(self._network)

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`."""
        self._network.save(folder / self.file_name)


def read_network(path: Path) -> "keras.Model":
    """Load a Keras file, uncompiled and in safe mode, which refuses code in it."""
    return load_keras().models.load_model(path, compile=False, safe_mode=True)
