"""Fine-tuning: the end of a base and a small network on it, trained together on stored features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifiers.data.training_set import HeldSet, StreamedSet, TrainingSet
from classifiers.heads.course import Course
from classifiers.heads.dense_epochs import Schedule
from classifiers.heads.head import History
from classifiers.heads.kind import HeadKind, HeadOption
from classifiers.heads.network import (
    COPIES,
    FittedNetwork,
    NetworkHead,
    NetworkKind,
    train_network,
)
from classifiers.heads.split_base import (
    NETWORK,
    copy_of,
    on_features,
    on_pixels,
    require_layers_after,
    split,
    tail_on_features,
)
from classifiers.heads.unfreezing import layers_to_train, unfreeze
from pipelines.bases import WeightsRequest, parse_weights
from pipelines.cli import log, positive_number, positive_real
from pipelines.contract import Contract
from pipelines.engines.opening import open_base_of
from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

LEARNING_RATE = 1e-5
"""Of RMSprop Chollet's (Deep Learning with Python, 2017, section 5.3.2). Of SGD a tenth of what
Keras's own example takes for InceptionV3 (keras.io, "Keras Applications"): VGG16 has no batch
normalisation, and lost eight points of accuracy in one epoch at 1e-4."""

EPOCHS = 6


@dataclass(frozen=True, slots=True)
class FineTuneHead:
    """A head on a frozen base, then head and end of the base together at a low rate.

    The steps are Chollet's (Deep Learning with Python, 2017, section 5.3.2): add a head to the
    base, freeze the base, train the head, unfreeze some layers of the base, train both. The layers
    before the table's never run.

    Attributes:
        top: the head, with the epochs and the rate at which it is trained alone.
        contract: of the table, whose layer is where the tail begins.
        weights: where to find the weights that the table was made with.
        unfreeze: first layer of the tail to train; all of it when None.
        learning_rate: at which both are trained, by an optimizer of the head's kind.
        epochs: passes over the training split with both.
    """

    top: NetworkHead
    contract: Contract
    weights: WeightsRequest
    unfreeze: str | None = None
    learning_rate: float = LEARNING_RATE
    epochs: int = EPOCHS
    name: str = "finetune"

    @property
    def keep(self) -> str:
        """See `NetworkHead.keep`; of all epochs of both steps."""
        return self.top.keep

    @property
    def patience(self) -> int | None:
        """See `NetworkHead.patience`."""
        return self.top.patience

    @property
    def streams(self) -> bool:
        """See `Head.streams`."""
        return True

    def settings(self) -> dict[str, Any]:
        """See `Head.settings`."""
        return {
            "name": self.name,
            "top": self.top.settings(),
            "unfreeze": self.unfreeze,
            "learning_rate": self.learning_rate,
            "epochs": self.epochs,
        }

    def check(self, rows: int) -> None:
        """See `Head.check`; what is refused is a table that leaves nothing to fine-tune."""
        if self.contract.quantisation is not None:
            raise UsageError(
                "the table's base is quantised, and what is fine-tuned is in float32; extract "
                "into another table without --compute_dtype int8"
            )
        require_layers_after(self.contract)
        layers_to_train(split(self._base(), self.contract).tail, self.unfreeze)

    def memory(self, train_bytes: int, validation_bytes: int) -> int:
        """See `Head.memory`: the features, and what the frozen tail makes of them."""
        base = split(self._base(), self.contract)
        growth = 1.0 + prod(base.tail_shape) / prod(base.shape)
        return round(COPIES * growth * (train_bytes + validation_bytes))

    def fit(
        self,
        train: TrainingSet,
        validation: TrainingSet | None,
        classes: int,
        class_weight: Mapping[int, float] | None,
        seed: int,
        course: Course | None = None,
    ) -> tuple["FittedFineTuned", History]:
        """See `EpochHead.fit`; the history's `trainable` counts the weight tensors trained."""
        base = split(copy_of(self._base()), self.contract)
        load_keras().utils.set_random_seed(seed)
        top = self.top.build(base.tail_shape, classes)
        tail = tail_on_features(base)
        network = on_features(tail, top)
        whole = on_pixels(base, network)
        course = course or Course(self.keep, self.patience)
        unfrozen = layers_to_train(base.tail, self.unfreeze)
        course.begin([*top.variables, *(each for layer in unfrozen for each in layer.variables)])

        def tell(step: int, what: str) -> None:
            log(f"step {step}  {what}: {len(whole.trainable_weights)} trainable weight tensors")

        base.before.trainable = base.tail.trainable = True
        tell(1, f"a {self.top.name} head on {self.contract.base}")
        base.before.trainable = base.tail.trainable = False
        tell(2, "the base frozen")

        schedule = Schedule(self.top.epochs, self.top.batch_size, class_weight, seed)
        log(f"step 3  the head alone, at a rate of {self.top.learning_rate:g}")
        optimizer = self.top.optimizer(self.top.learning_rate)
        if isinstance(train, HeldSet) and not isinstance(validation, StreamedSet):
            # A frozen tail makes the same of an image in every epoch: it runs once.
            ends = _through(tail, train)
            held_out = None if validation is None else _through(tail, validation)
            alone = train_network(_apart(top), optimizer, ends, held_out, schedule, course)
        else:
            alone = train_network(
                _apart(network), optimizer, train, validation, schedule, course, 1
            )
        history = _rows(alone, network)

        unfreeze(base.tail, self.unfreeze)
        tell(4, f"unfrozen from {unfrozen[0].name} on")

        schedule = replace(schedule, epochs=self.epochs)
        log(f"step 5  both together, at a rate of {self.learning_rate:g}")
        optimizer = self.top.optimizer(self.learning_rate)
        both = train_network(_apart(network), optimizer, train, validation, schedule, course, 1)
        history += _rows(both, network, after=len(history))
        return FittedFineTuned(whole), history

    def _base(self) -> "keras.Model":
        return open_base_of(self.contract, self.weights).model


class FittedFineTuned(FittedNetwork):
    """A fine-tuned base with its head: saved as a model of pixels, asked of stored features."""

    def __init__(self, whole: "keras.Model") -> None:
        """Judge by the part of a model of pixels that takes features."""
        super().__init__(whole.get_layer(NETWORK))
        self._whole = whole

    def save(self, folder: Path) -> None:
        """See `FittedHead.save`; plain Keras loads it and needs nothing else."""
        self._whole.save(folder / self.file_name)


def kind_on(top: NetworkKind) -> HeadKind:
    """Fine-tuning of a base together with a kind of network on it."""
    own = [option for option in top.options if option.name not in ("learning_rate", "epochs")]
    options = (
        HeadOption("learning_rate", positive_real, default=LEARNING_RATE),
        HeadOption("epochs", positive_number, default=EPOCHS),
        HeadOption("top", str, "the head; the first of these if not given", choices=(top.head,)),
        HeadOption("head_learning_rate", positive_real, "of the head alone; its own if not given"),
        HeadOption("head_epochs", positive_number, "of the head alone", default=top.epochs_alone),
        HeadOption(
            "unfreeze",
            str,
            "train the base from this layer on; from the table's on if not given",
            metavar="LAYER",
        ),
        HeadOption(
            "weights",
            str,
            "those of the table: imagenet (if not given), random[:SEED], or a file",
        ),
    )

    def make(given: Mapping[str, Any], contract: Callable[[], Contract]) -> FineTuneHead:
        of_top = {option.name: given[option.name] for option in own if option.name in given}
        if "head_learning_rate" in given:
            of_top["learning_rate"] = given["head_learning_rate"]
        return FineTuneHead(
            top=top.network(epochs=given.get("head_epochs", top.epochs_alone), **of_top),
            contract=contract(),
            weights=parse_weights(given.get("weights", "imagenet")),
            unfreeze=given.get("unfreeze"),
            learning_rate=given.get("learning_rate", LEARNING_RATE),
            epochs=given.get("epochs", EPOCHS),
        )

    return HeadKind(
        "finetune",
        ("fine-tuning", "a head on the frozen base, then both; on features of an earlier layer"),
        (*options, *(replace(option, default=None) for option in own)),
        make,
        FittedFineTuned,
        top.head,
    )


def _through(tail: "keras.Model", part: HeldSet) -> HeldSet:
    outputs = [tail.predict_on_batch(features) for features, _ in part.batches()]
    return replace(part, features=np.concatenate(outputs), unflattened=None)


def _apart(network: "keras.Model") -> "keras.Model":
    """The same network as a model of its own, whose optimizer is not saved with the whole."""
    return load_keras().Model(network.input, network.output)


def _rows(history: History, network: "keras.Model", after: int = 0) -> list[Mapping[str, float]]:
    trainable = len(network.trainable_weights)
    return [{**row, "epoch": row["epoch"] + after, "trainable": trainable} for row in history]
