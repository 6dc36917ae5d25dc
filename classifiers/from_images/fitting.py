"""Training a network on images, step by step and epoch by epoch."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from classifiers.data.training_set import Batch
from classifiers.from_images.image_set import EpochPlan, ImageSet
from classifiers.from_images.way import ImageNetwork, Step, Way
from classifiers.heads.course import Course
from classifiers.heads.fused_rmsprop import fuse_rmsprop
from classifiers.heads.head import History
from classifiers.heads.progress import history_row
from classifiers.heads.unfreezing import layers_to_train, unfreeze
from pipelines.cli import log
from pipelines.errors import ModelError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


def fit(
    way: Way,
    network: ImageNetwork,
    train: ImageSet,
    validation: ImageSet | None,
    plan: EpochPlan,
    class_weight: Mapping[int, float] | None,
    course: Course | None = None,
) -> History:
    """Train a network in the steps of a way.

    Args:
        way: what is trained, how long and how fast.
        network: what it built; changed in place.
        train: what to train on.
        validation: what to measure on after each epoch; None for nothing.
        plan: the batches.
        class_weight: by class number; None when all are alike.
        course: of its epochs; a new one when None, of which nothing is kept.

    Returns:
        One row an epoch; besides loss and accuracy `trainable`, the weight tensors that were
        trained, and `seconds` and `cpu_seconds` that it took.

    Raises:
        ModelError: the loss is no number any more.
    """
    course = course or Course(way.keep, way.patience)
    course.begin(_changing(way, network))
    planned = sum(step.epochs for step in way.steps)
    weight = None if class_weight is None else dict(class_weight)
    for step in way.steps:
        model = _compiled(network, step)
        whence = "" if step.unfreeze is None else f", the base's from {step.unfreeze} on among them"
        log(f"training {network.tensors} weight tensors at {step.learning_rate:g}{whence}")
        learn = partial(model.train_on_batch, class_weight=weight, return_dict=True)
        look = partial(model.test_on_batch, return_dict=True)
        for _ in course.epochs(step.epochs, model.optimizer):
            started, worked = time.monotonic(), time.process_time()
            epoch = course.position.epochs
            measures = _mean(learn, plan.batches(train, epoch + 1))
            if validation is not None:
                measured = _mean(look, validation.batches())
                measures |= {f"val_{name}": value for name, value in measured.items()}
            cost = {
                "trainable": network.tensors,
                "seconds": round(time.monotonic() - started, 3),
                "cpu_seconds": round(time.process_time() - worked, 3),
            }
            course.add(history_row(epoch, planned, measures, cost))
            if not all(math.isfinite(value) for value in measures.values()):
                raise ModelError(
                    "the training diverged: its loss is no finite number any more; lower the "
                    f"learning rate, which is {step.learning_rate:g}"
                )
    return course.all_rows


def _compiled(network: ImageNetwork, step: Step) -> "keras.Model":
    """The same network as a model of its own, whose optimizer is not saved with it."""
    keras = load_keras()
    if step.unfreeze is not None and network.base is not None:
        unfreeze(network.base.model, step.unfreeze)
    model = keras.Model(network.model.inputs, network.model.outputs)
    optimizer = keras.optimizers.RMSprop(learning_rate=step.learning_rate)
    two = model.outputs[0].shape[-1] == 1
    model.compile(
        optimizer=optimizer,
        loss="binary_crossentropy" if two else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    if keras.backend.backend() == "tensorflow":
        fuse_rmsprop(optimizer, model.trainable_variables)
    optimizer.build(model.trainable_variables)
    return model


def _changing(way: Way, network: ImageNetwork) -> list[Any]:
    """All variables that any step changes: a frozen base's are left out."""
    if network.base is None:
        return list(network.model.variables)
    frozen = {id(each) for each in network.base.model.variables}
    steps = [step.unfreeze for step in way.steps if step.unfreeze is not None]
    for first in steps:
        layers = layers_to_train(network.base.model, first)
        frozen -= {id(each) for layer in layers for each in layer.variables}
    return [each for each in network.model.variables if id(each) not in frozen]


def _mean(
    measure: Callable[[Any, Any], Mapping[str, Any]], batches: Iterable[Batch]
) -> dict[str, float]:
    sums: Counter[str] = Counter()
    images = 0
    for pixels, targets in batches:
        measures = measure(pixels, targets)
        sums.update({name: float(value) * len(targets) for name, value in measures.items()})
        images += len(targets)
    return {name: value / images for name, value in sums.items()}
