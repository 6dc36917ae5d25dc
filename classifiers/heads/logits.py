"""A network up to the softmax or sigmoid that it ends in: its logits."""

from typing import TYPE_CHECKING

from pipelines.errors import ModelError
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

PROBABILITIES = ("softmax", "sigmoid")


def before_activation(network: "keras.Model") -> "keras.Model":
    """The network without the softmax or sigmoid that it ends in; itself if it ends in neither.

    It shares the network's layers but the last, whose weights are those of now.

    Args:
        network: of one output (n, classes), or (n, 1) for two classes. It may end in a layer with
            an activation, in one that is an activation, or in a network that does.

    Raises:
        ModelError: it has several outputs, or one of another shape.
    """
    if len(network.outputs) != 1 or len(network.output_shape) != 2:
        raise ModelError("the network does not give one row of class scores an image")
    keras = load_keras()
    last, given = _last(network)
    if isinstance(last, keras.Model):
        inner = before_activation(last)
        return network if inner is last else keras.Model(network.inputs, inner(given))
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(network.inputs, given)
    activation = getattr(last, "activation", None)
    if getattr(activation, "__name__", None) not in PROBABILITIES:
        return network
    if isinstance(last, keras.layers.Activation):
        return keras.Model(network.inputs, given)
    plain = type(last).from_config({**last.get_config(), "activation": None})
    logits = plain(given)
    plain.set_weights(last.get_weights())
    return keras.Model(network.inputs, logits)


def _last(network: "keras.Model") -> "tuple[keras.Operation, keras.KerasTensor]":
    """The operation that gives a network's output, and what it is given."""
    made = network.outputs[0]._keras_history
    given = made.operation._inbound_nodes[made.node_index].input_tensors
    return made.operation, given[0]
