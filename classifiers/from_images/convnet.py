"""The small convnet that the book trains from scratch."""

from dataclasses import asdict, dataclass
from typing import Any

from classifiers.from_images.way import ImageNetwork, Step
from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

FILTERS = (32, 64, 128, 128)

MIN_SIZE = 46
"""The smallest image of which four convolutions and poolings leave a pixel."""


@dataclass(frozen=True, slots=True)
class Convnet:
    """Four convolutions with pooling, then dense layers; RMSprop.

    Network and defaults are Chollet's (Deep Learning with Python, 2017, listings 5.5 and 5.6);
    3,453,121 parameters for two classes at 150 x 150.

    Attributes:
        units: width of the hidden dense layer.
        dropout: share of the flattened features dropped in training.
        learning_rate: of RMSprop.
        epochs: passes over the training split.
        batch_size: images a step.
        keep: the epoch whose weights are kept, "last" or "best" on validation.
        patience: epochs without a lower validation loss that end a step; None for no end.
    """

    units: int = 512
    dropout: float = 0.0
    learning_rate: float = 1e-4
    epochs: int = 30
    batch_size: int = 20
    name: str = "convnet"
    keep: str = "last"
    patience: int | None = None

    @property
    def preprocessing(self) -> str:
        """See `Way.preprocessing`."""
        return "rescale"

    @property
    def steps(self) -> tuple[Step, ...]:
        """See `Way.steps`."""
        return (Step(self.epochs, self.learning_rate),)

    def settings(self) -> dict[str, Any]:
        """See `Way.settings`."""
        return asdict(self)

    def build(self, size: int, classes: int) -> ImageNetwork:
        """See `Way.build`."""
        if size < MIN_SIZE:
            raise UsageError(
                f"the convnet takes images of at least {MIN_SIZE} pixels, not --image_size {size}"
            )
        layers = load_keras().layers
        network = [load_keras().Input((size, size, 3)), layers.Rescaling(1.0 / 255.0)]
        for filters in FILTERS:
            network += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]
        network.append(layers.Flatten())
        if self.dropout:
            network.append(layers.Dropout(self.dropout))
        network += dense_layers(self.units, classes)
        return ImageNetwork(load_keras().Sequential(network))


def dense_layers(units: int, classes: int) -> list[Any]:
    """A hidden layer, and probabilities: of the second of two classes, or of each of more."""
    layers = load_keras().layers
    last = layers.Dense(1, "sigmoid") if classes == 2 else layers.Dense(classes, "softmax")
    return [layers.Dense(units, activation="relu"), last]


AUGMENTED_CONVNET = Convnet(epochs=100, batch_size=32)
"""How long it is trained on augmented images (listing 5.14, there with a dropout of 0.5)."""
