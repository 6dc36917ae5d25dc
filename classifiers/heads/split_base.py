"""A base in two at a table's layer: what made the stored features, and what comes after them."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from classifiers.heads.unfreezing import drop_nothing
from pipelines.bases import base_of, cut, prepare
from pipelines.contract import Contract
from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

NETWORK = "on_features"
"""Name of the part of a whole model that takes stored features."""


@dataclass(frozen=True, slots=True)
class SplitBase:
    """A base cut at the layer of a contract; both parts frozen, sharing the base's weights.

    Attributes:
        contract: of the features between the parts.
        before: from preprocessed float32 pixels (n, size, size, 3) to the layer's output.
        tail: from that output to the base's own.
    """

    contract: Contract
    before: "keras.Model"
    tail: "keras.Model"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an image's stored features before flattening."""
        return tuple(int(n) for n in self.tail.input_shape[1:])

    @property
    def tail_shape(self) -> tuple[int, ...]:
        """Shape of what the tail makes of them."""
        return tuple(int(n) for n in self.tail.output_shape[1:])


def require_layers_after(contract: Contract) -> None:
    """Refuse, before any base is loaded, features that end one.

    Raises:
        UsageError: nothing of the base comes after these features.
    """
    if contract.pooling != "none":
        raise UsageError(
            f"nothing of {contract.base} comes after pooled features; extract a table with "
            "--pooling none and the --layer to cut at"
        )
    if contract.layer == base_of(contract).last_layer:
        raise _nothing_after(contract)


def _nothing_after(contract: Contract) -> UsageError:
    return UsageError(
        f"{contract.layer} is {contract.base}'s last layer, which leaves nothing to fine-tune; "
        "extract a table with an earlier --layer"
    )


def split(base: "keras.Model", contract: Contract) -> SplitBase:
    """Cut a base where a table's features were taken.

    Args:
        base: frozen, as `pipelines.bases.load_base` gives it.
        contract: the table's.

    Raises:
        UsageError: nothing of the base comes after these features, or not from them alone.
    """
    require_layers_after(contract)
    layer = contract.layer
    if layer == base.layers[-1].name:
        raise _nothing_after(contract)
    before = cut(base, layer, "none")
    try:
        tail = load_keras().Model(before.output, base.output, name=f"after_{layer}")
    except ValueError as error:  # Keras came to the pixels without passing the cut
        raise UsageError(
            f"{contract.base} cannot be cut at {layer}: layers after it also take what goes past "
            "it; extract a table with a --layer at the end of a block"
        ) from error
    tail.trainable = False
    return SplitBase(contract, before, tail)


def copy_of(base: "keras.Model") -> "keras.Model":
    """A frozen copy of a base, with weights of its own, that drops nothing in training."""
    copy = load_keras().models.clone_model(base)
    copy.set_weights(base.get_weights())
    copy.trainable = False
    drop_nothing(copy)
    return copy


def tail_on_features(base: SplitBase) -> "keras.Model":
    """The tail, from flat stored features (n, length) to its own output, flat too."""
    keras = load_keras()
    features = keras.Input((prod(base.shape),))
    output = base.tail(keras.layers.Reshape(base.shape)(features))
    return keras.Model(features, keras.layers.Flatten()(output))


def on_features(tail: "keras.Model", top: "keras.Model") -> "keras.Model":
    """A tail and a small network on it as one, from flat features to probabilities.

    Args:
        tail: what `tail_on_features` made.
        top: from its output to probabilities.
    """
    return load_keras().Model(tail.input, top(tail.output), name=NETWORK)


def on_pixels(base: SplitBase, network: "keras.Model") -> "keras.Model":
    """The whole: preprocessing, the part before the cut, and a network on its features.

    Args:
        base: what makes the features.
        network: what `on_features` made.

    Returns:
        A model from pixels (n, size, size, 3), RGB, 0-255, to probabilities.
    """
    keras = load_keras()
    contract = base.contract
    pixels = keras.Input((contract.image_size, contract.image_size, 3), name="pixels")
    prepared = prepare(contract, pixels)
    features = keras.layers.Flatten()(base.before(prepared))
    return keras.Model(pixels, network(features), name=f"fine_tuned_{contract.base}")
