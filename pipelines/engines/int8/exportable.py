"""A base of layers that the export to ONNX has operations for, where Keras's own have none."""

from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


def exportable(model: "keras.Model") -> "keras.Model":
    """The same base, with other layers in place of some; itself where it has none of these.

    A convolution that has a group for each channel, as ConvNeXt's, is compiled by XLA, which the
    exporter cannot say; a depthwise convolution is the same. A normalisation by given numbers
    leaves them out of the graph; a scale and an offset do not.

    Args:
        model: the frozen base.
    """
    if not any(map(_is_depthwise, model.layers)):
        return model
    keras = load_keras()

    def rebuilt(layer: Any) -> Any:  # noqa: ANN401 - any Keras layer
        if _is_depthwise(layer):
            kept = ("strides", "padding", "dilation_rate", "use_bias", "activation", "name")
            settings = {name: getattr(layer, name) for name in kept}
            return keras.layers.DepthwiseConv2D(layer.kernel_size, **settings)
        if _has_given_numbers(layer):
            scale = 1 / np.sqrt(np.ravel(layer.input_variance).astype(np.float32))
            offset = -np.ravel(layer.input_mean).astype(np.float32) * scale
            return keras.layers.Rescaling(scale.tolist(), offset.tolist(), name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=rebuilt)
    for layer, other in zip(model.layers, copy.layers, strict=True):
        weights = layer.get_weights()
        if _is_depthwise(layer):
            weights[0] = weights[0].transpose(0, 1, 3, 2)
        if not _has_given_numbers(layer):
            other.set_weights(weights)
    copy.trainable = False
    return copy


def without_erfc(graph: Any) -> None:  # noqa: ANN401 - an untyped onnx.GraphProto
    """Replace TensorFlow's Erfc, of GELU, by one less Erf, which ONNX has."""
    from onnx import helper, numpy_helper

    nodes = []
    for node in graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        (result,) = node.output
        error, one = f"{result}/erf", f"{result}/one"
        graph.initializer.append(numpy_helper.from_array(np.float32(1), one))
        nodes.append(helper.make_node("Erf", list(node.input), [error]))
        nodes.append(helper.make_node("Sub", [one, error], [result]))
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    graph.ClearField("node")
    graph.node.extend(copies)


def _is_depthwise(layer: Any) -> bool:  # noqa: ANN401 - any Keras layer
    keras = load_keras()
    return (
        isinstance(layer, keras.layers.Conv2D)
        and layer.groups > 1
        and layer.groups == layer.filters
        and layer.kernel.shape[2] == 1
    )


def _has_given_numbers(layer: Any) -> bool:  # noqa: ANN401 - any Keras layer
    keras = load_keras()
    return isinstance(layer, keras.layers.Normalization) and layer.input_mean is not None
