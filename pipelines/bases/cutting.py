"""Ending a base at one of its layers."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

POOLINGS = ("none", "avg", "max", "cls")
"""The last takes the first of a transformer's tokens."""

IN_ONE_PASS = "\n"
"""Divides the layers, and their poolings, that are taken in one pass of a base."""

TOKENS_RANK, IMAGE_RANK = 3, 4
"""Axes of (n, tokens, channels) and of (n, height, width, channels)."""

TOP_LAYERS = frozenset({"avg_pool", "flatten", "fc1", "fc2", "predictions"})
"""What Keras calls the layers of its tops."""

SHOWN = 30
"""Layers that fit into a message: all of VGG19's, not the hundreds of other bases."""


def cut(model: "keras.Model", layer: str, pooling: str) -> "keras.Model":
    """End a base at one of its layers, and pool that layer's output.

    Args:
        model: what `build` made.
        layer: the layer whose output is taken; or several, divided by `IN_ONE_PASS`.
        pooling: "none", "avg" or "max" over height and width or over tokens, or "cls", the first
            token; one for each layer.

    Returns:
        A frozen model that shares the base's weights; output (n, height, width, channels) or
        (n, tokens, channels), or (n, channels) when pooled. Of several layers the outputs are
        flattened and follow each other: (n, length).

    Raises:
        UsageError: the base has no such layer, or its output cannot be pooled so.
    """
    keras = load_keras()
    layers, poolings = layer.split(IN_ONE_PASS), pooling.split(IN_ONE_PASS)
    outputs = [_output(model, *each) for each in zip(layers, poolings, strict=True)]
    output, name = outputs[0], layer
    if len(outputs) > 1:
        flat = [keras.layers.Flatten()(each) for each in outputs]
        output, name = keras.layers.Concatenate()(flat), "_".join(layers)
    frozen = keras.Model(model.input, output, name=f"{model.name}_{name}")
    frozen.trainable = False
    return frozen


def _output(model: "keras.Model", layer: str, pooling: str) -> Any:  # noqa: ANN401 - untyped
    names = [each.name for each in model.layers]
    if layer not in names:
        top = "; --top true adds the classifying top's" if layer in TOP_LAYERS else ""
        raise UsageError(
            f"{model.name} has no layer {layer!r}; it has {_listed(names, layer)}{top}"
        )
    output = model.get_layer(layer).output
    return output if pooling == "none" else _pooled(output, layer, pooling)


def _pooled(output: Any, layer: str, pooling: str) -> Any:  # noqa: ANN401 - Keras is untyped
    keras = load_keras()
    layers = {
        ("avg", IMAGE_RANK): keras.layers.GlobalAveragePooling2D,
        ("max", IMAGE_RANK): keras.layers.GlobalMaxPooling2D,
        ("avg", TOKENS_RANK): keras.layers.GlobalAveragePooling1D,
        ("max", TOKENS_RANK): keras.layers.GlobalMaxPooling1D,
    }
    rank = len(output.shape)
    if pooling == "cls" and rank == TOKENS_RANK:
        return output[:, 0]
    if (pooling, rank) not in layers:
        what = "tokens" if pooling == "cls" else "height and width, or tokens"
        raise UsageError(f"--pooling {pooling} needs a layer with {what}, not {layer}")
    return layers[pooling, rank]()(output)


def _listed(names: Sequence[str], wanted: str) -> str:
    if len(names) <= SHOWN:
        return ", ".join(names)
    near = ", ".join(get_close_matches(wanted, names, n=5, cutoff=0.0))
    return f"{len(names):,} others, from {names[0]} to {names[-1]}; those most like it are {near}"
