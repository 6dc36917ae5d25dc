"""Which layers of a frozen base are trained, from one layer on."""

from typing import TYPE_CHECKING

from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


def layers_to_train(base: "keras.Model", first: str | None) -> list["keras.Layer"]:
    """The layers that fine-tuning trains, of a base or of the part of it after a cut.

    Batch normalisation is left out, as in Keras's example "Image classification via fine-tuning
    with EfficientNet": a frozen one keeps the statistics of ImageNet, also while others are
    trained, and batches of twenty would give it poor ones. `training=False` where the base is
    called does not keep them, for Keras 3 overrides it in a model that is trained.

    Args:
        base: frozen.
        first: the first layer wanted; the base's own first when None.

    Raises:
        UsageError: there is no such layer, or nothing to train from there on.
    """
    normalisation = load_keras().layers.BatchNormalization
    names = [layer.name for layer in base.layers]
    able = [
        layer for layer in base.layers if layer.weights and not isinstance(layer, normalisation)
    ]
    listed = ", ".join(layer.name for layer in able)
    if first is not None and first not in names:
        raise UsageError(f"--unfreeze {first}: no such layer to train; there are {listed}")
    start = 0 if first is None else names.index(first)
    found = [layer for layer in base.layers[start:] if layer in able]
    if not found:
        raise UsageError(
            f"nothing to fine-tune: no layer from {names[start]} on has weights to train; "
            f"there are {listed or 'none'}"
        )
    return found


def unfreeze(base: "keras.Model", first: str | None) -> None:
    """Let the layers of a frozen base be trained from one on, see `layers_to_train`.

    Raises:
        UsageError: see `layers_to_train`.
    """
    chosen = layers_to_train(base, first)
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer in chosen


def drop_nothing(base: "keras.Model") -> None:
    """Switch a base's own dropout off, so that its frozen layers give the same in training."""
    for layer in base.layers:
        if isinstance(layer, load_keras().layers.Dropout):
            layer.rate = 0.0
