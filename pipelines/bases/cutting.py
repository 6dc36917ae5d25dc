"""Ending a base at one of its layers."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

POOLINGS = ("none", "avg", "max", "cls")
"""The last takes the first of a transformer's tokens."""

TOP_LAYERS = frozenset({"avg_pool", "flatten", "fc1", "fc2", "predictions"})
"""What Keras calls the layers of its tops."""

SHOWN = 30
"""Layers that fit into a message: all of VGG19's, not the hundreds of other bases."""


def cut(model: "keras.Model", layer: str, pooling: str) -> "keras.Model":
    """End a base at one of its layers, and pool that layer's output.

    Args:
        model: what `build` made.
        layer: the layer whose output is taken.
        pooling: "none", or "avg" or "max" over height and width.

    Returns:
        A frozen model that shares the base's weights; output (n, height, width, channels), or
        (n, channels) when pooled.

    Raises:
        UsageError: the base has no such layer, or its output has no height and width to pool over.
    """
    keras = load_keras()
    names = [each.name for each in model.layers]
    if layer not in names:
        top = "; --top true adds the classifying top's" if layer in TOP_LAYERS else ""
        raise UsageError(
            f"{model.name} has no layer {layer!r}; it has {_listed(names, layer)}{top}"
        )
    output = model.get_layer(layer).output
    if pooling != "none":
        if len(output.shape) != 4:
            raise UsageError(
                f"--pooling {pooling} needs a layer with height and width, not {layer}"
            )
        pool = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
        output = pool[pooling]()(output)
    frozen = keras.Model(model.input, output, name=f"{model.name}_{layer}")
    frozen.trainable = False
    return frozen


def _listed(names: Sequence[str], wanted: str) -> str:
    if len(names) <= SHOWN:
        return ", ".join(names)
    near = ", ".join(get_close_matches(wanted, names, n=5, cutoff=0.0))
    return f"{len(names):,} others, from {names[0]} to {names[-1]}; those most like it are {near}"
