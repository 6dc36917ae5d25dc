"""Training the dense head epoch by epoch, on features that are held or streamed."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classifiers.data.shuffling import shuffled_batches
from classifiers.data.training_set import Batch, HeldSet, StreamedSet, TrainingSet
from classifiers.heads.course import Course
from classifiers.heads.head import History
from classifiers.heads.progress import history_row
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

Epoch = Callable[[np.random.Generator], dict[str, float]]
"""Trains one epoch, in an order that the generator's state decides; gives its measures."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a compiled model is trained.

    Attributes:
        epochs: passes over the training set.
        batch_size: images a step.
        class_weight: by class number; None when all are alike.
        seed: of the order of rows, and of the copies drawn.
        loss: Keras's name of it; None for that of classes of which an image has one.
        accuracy: makes what is measured of it, whose name is "accuracy".
    """

    epochs: int
    batch_size: int
    class_weight: Mapping[int, float] | None
    seed: int
    loss: str | None = None
    accuracy: Callable[[], Any] = lambda: "accuracy"


def train_epochs(
    model: "keras.Model",
    train: TrainingSet,
    validation: TrainingSet | None,
    schedule: Schedule,
    course: Course,
) -> History:
    """Train a compiled model, its optimizer built, for the next step of a course.

    There is one row of history, and one line of log, an epoch. Of an image that has augmented
    copies an epoch takes one row, the image's own or a copy's. What an epoch does depends on its
    number, the seed and the state before it alone, so that a training can go on from any.
    """
    one = (
        _held(model, train, schedule)
        if isinstance(train, HeldSet)
        else _streamed(model, train, schedule)
    )
    for epoch in course.epochs(schedule.epochs, model.optimizer):
        measures = one(np.random.default_rng([schedule.seed, epoch]))
        measures |= _validate(model, validation)
        course.add(history_row(epoch, schedule.epochs, measures))
    return course.rows


def _held(model: "keras.Model", train: HeldSet, schedule: Schedule) -> Epoch:
    keras = load_keras()
    weight = schedule.class_weight
    inputs: npt.NDArray[Any]
    trained, inputs = model, train.features
    if keras.backend.backend() == "tensorflow":
        trained = _fed_by_place(model, train.features, schedule.accuracy)
        inputs = np.arange(len(train.targets))

    def one(random: np.random.Generator) -> dict[str, float]:
        if train.images is None:
            drawn = random.permutation(len(train.targets))
        else:
            drawn = random.permutation(train.images.draw(random))
        fitted = trained.fit(
            inputs[drawn],
            train.targets[drawn],
            batch_size=schedule.batch_size,
            class_weight=None if weight is None else dict(weight),
            shuffle=False,
            verbose=0,
        )
        return {name: values[-1] for name, values in fitted.history.items()}

    return one


def _fed_by_place(
    model: "keras.Model", features: npt.NDArray[np.float32], accuracy: Callable[[], Any]
) -> "keras.Model":
    """The same model, taking places in an array of features instead of features.

    So batches are put together where the features are, and what Keras shuffles, copies and hands
    from thread to thread are twenty numbers a step. Dropout stays that of a plain `fit`.
    """
    keras = load_keras()
    places = keras.Input((), dtype="int64")
    held = keras.ops.convert_to_tensor(features)
    fed = keras.Model(places, model(keras.ops.take(held, places, axis=0)))
    fed.compile(
        optimizer=model.optimizer,
        loss=model.loss,
        metrics=[accuracy()],
        steps_per_execution=model.steps_per_execution,
    )
    return fed


def _streamed(model: "keras.Model", train: StreamedSet, schedule: Schedule) -> Epoch:
    def one(random: np.random.Generator) -> dict[str, float]:
        drawn = train if train.images is None else train.only(train.images.draw(random))
        batches = shuffled_batches(drawn, schedule.batch_size, random)
        fitted = model.fit(
            _weighted(batches, schedule.class_weight),
            shuffle=False,
            steps_per_epoch=math.ceil(len(drawn.targets) / schedule.batch_size),
            verbose=0,
        )
        return {name: values[-1] for name, values in fitted.history.items()}

    return one


def _weighted(
    batches: Iterator[Batch], class_weight: Mapping[int, float] | None
) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Keras takes class weights for arrays only; a stream brings the weight of each row along."""
    if class_weight is None:
        yield from batches
        return
    by_class = np.array([class_weight[k] for k in sorted(class_weight)], np.float32)
    for features, targets in batches:
        yield features, targets, by_class[targets]


def _validate(model: "keras.Model", validation: TrainingSet | None) -> dict[str, float]:
    if validation is None:
        return {}
    sums: Counter[str] = Counter()
    for features, targets in validation.batches():
        measures = model.test_on_batch(features, targets, return_dict=True)
        sums.update({name: float(value) * len(targets) for name, value in measures.items()})
    return {f"val_{name}": value / len(validation.targets) for name, value in sums.items()}
