"""The interface of a way to train on images: a network, and the steps in which it is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pipelines.bases import LoadedBase

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of a training.

    Attributes:
        epochs: passes over the training split.
        learning_rate: of RMSprop.
        unfreeze: first layer of the base that is trained from here on; None to leave it as it is.
    """

    epochs: int
    learning_rate: float
    unfreeze: str | None = None


@dataclass(frozen=True, slots=True)
class ImageNetwork:
    """A network on images, before or after training.

    Attributes:
        model: from pixels, float (n, size, size, 3), RGB, 0–255, to probabilities (n, classes), or
            (n, 1) of the second of two classes.
        base: the pretrained part of it, frozen; None where all is trained from scratch.
    """

    model: "keras.Model"
    base: LoadedBase | None = None

    @property
    def tensors(self) -> int:
        """Weight tensors that can be trained as things are."""
        return len(self.model.trainable_weights)


class Way(Protocol):
    """A way of the book with its settings, before training."""

    @property
    def name(self) -> str:
        """What `--head` calls it."""
        ...

    @property
    def preprocessing(self) -> str:
        """What the network does to pixels first, as in `Contract`."""
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

    @property
    def steps(self) -> Sequence[Step]:
        """What is done one after the other."""
        ...

    def settings(self) -> dict[str, Any]:
        """All that makes this training what it is, for the card."""
        ...

    def build(self, size: int, classes: int) -> ImageNetwork:
        """A new network, its weights drawn from Keras's seed.

        Args:
            size: height and width of the images in pixels.
            classes: how many to tell apart.

        Raises:
            UsageError: it cannot be built for images of that size.
            WeightsError: the base's weights cannot be loaded.
        """
        ...
