"""The book's ways that run a pretrained base on every image in every epoch."""

from dataclasses import asdict, dataclass, field
from typing import Any

from classifiers.from_images.convnet import dense_layers
from classifiers.from_images.way import ImageNetwork, Step
from classifiers.heads.unfreezing import drop_nothing, layers_to_train
from pipelines.bases import WeightsRequest, base_named, check_preprocessing, load_base, preprocess
from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras


@dataclass(frozen=True, slots=True)
class DenseOnBase:
    """A dense head on a frozen base, trained end to end; RMSprop at a low rate.

    The defaults are Chollet's (Deep Learning with Python, 2017, section 5.3.1, "feature extraction
    with data augmentation"), but for the preprocessing, which there is "rescale".

    Attributes:
        base: its name.
        weights: where its weights come from.
        preprocessing: "imagenet" or "rescale".
        units: width of the hidden layer.
        dropout: share of hidden units dropped in training.
        learning_rate: of RMSprop.
        epochs: passes over the training split.
        batch_size: images a step.
        keep: the epoch whose weights are kept, "last" or "best" on validation.
        patience: epochs without a lower validation loss that end a step; None for no end.
    """

    base: str = "VGG16"
    weights: WeightsRequest = field(default=WeightsRequest("imagenet"))
    preprocessing: str = "imagenet"
    units: int = 256
    dropout: float = 0.0
    learning_rate: float = 2e-5
    epochs: int = 30
    batch_size: int = 20
    name: str = "dense"
    keep: str = "last"
    patience: int | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """See `Way.steps`."""
        return (Step(self.epochs, self.learning_rate),)

    def settings(self) -> dict[str, Any]:
        """See `Way.settings`."""
        return {name: value for name, value in asdict(self).items() if name != "weights"}

    def build(self, size: int, classes: int) -> ImageNetwork:
        """See `Way.build`."""
        keras, base = load_keras(), base_named(self.base)
        if size < base.min_size:
            raise UsageError(
                f"{base.name} takes images of at least {base.min_size} pixels, "
                f"not --image_size {size}"
            )
        check_preprocessing(base, self.preprocessing)
        loaded = load_base(base, size, self.weights)
        drop_nothing(loaded.model)
        for step in self.steps:
            if step.unfreeze is not None:
                layers_to_train(loaded.model, step.unfreeze)
        pixels = keras.Input((size, size, 3), name="pixels")
        prepared = preprocess(base, self.preprocessing, pixels)
        outputs = keras.layers.Flatten()(loaded.model(prepared))
        hidden, last = dense_layers(self.units, classes)
        outputs = hidden(outputs)
        if self.dropout:
            outputs = keras.layers.Dropout(self.dropout)(outputs)
        return ImageNetwork(keras.Model(pixels, last(outputs)), loaded)


@dataclass(frozen=True, slots=True)
class FineTune(DenseOnBase):
    """A dense head on a frozen base, then head and end of the base together at a lower rate.

    The steps are Chollet's (section 5.3.2), where the head has 30 epochs and both have 100.

    Attributes:
        learning_rate: of RMSprop, in the second step.
        epochs: passes over the training split in the second step.
        head_learning_rate: in the first, when the head is trained alone.
        head_epochs: passes in the first.
        unfreeze: first layer of the base that the second step trains.
    """

    learning_rate: float = 1e-5
    epochs: int = 6
    name: str = "finetune"
    head_learning_rate: float = 2e-5
    head_epochs: int = 3
    unfreeze: str = "block5_conv1"

    @property
    def steps(self) -> tuple[Step, ...]:
        """See `Way.steps`."""
        return (
            Step(self.head_epochs, self.head_learning_rate),
            Step(self.epochs, self.learning_rate, self.unfreeze),
        )


def count_tensors(network: ImageNetwork) -> dict[str, int]:
    """Weight tensors that can be trained: with the base "whole" and "frozen", or "all" without one.

    The book prints 30 and 4 for VGG16 with a dense head (section 5.3.1).
    """
    if network.base is None:
        return {"all": network.tensors}
    counts = {}
    for name, trainable in (("whole", True), ("frozen", False)):
        network.base.model.trainable = trainable
        counts[name] = network.tensors
    return counts
