"""Floating-point operations of a base for one image, counted from its layers."""

from math import prod
from typing import TYPE_CHECKING

from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


def flops_of(model: "keras.Model") -> int:
    """Two for every multiplication in a convolution or dense layer, with its addition.

    What normalises, activates or pools is left out: it is little, and no matrix product.
    """
    return sum(2 * _multiplications(layer) for layer in model.layers)


def _multiplications(layer: "keras.layers.Layer") -> int:
    layers = load_keras().layers
    if isinstance(layer, layers.SeparableConv2D):
        # Depthwise first, at the output's height and width, then pointwise.
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    elif isinstance(layer, layers.DepthwiseConv2D | layers.Conv2D | layers.Dense):
        # Every element of a kernel is used once at every place: one of a grouped convolution has
        # only its group's channels, a depthwise one only its own.
        kernels = [layer.kernel]
    else:
        return 0
    places = prod(int(side) for side in layer.output.shape[1:-1])
    return places * sum(prod(int(side) for side in kernel.shape) for kernel in kernels)
