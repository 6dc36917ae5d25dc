"""Random weights that are the same numbers on every machine, Keras version and backend."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


def randomise(model: "keras.Model", seed: int) -> None:
    """Draw every kernel of a base anew; biases and normalisation keep Keras's starting values.

    Kernels are normal with the variance 2 / fan-in that keeps the scale of rectified outputs
    (He et al. 2015, "Delving Deep into Rectifiers", section 2.2). Branches that are added to what
    goes past them are scaled by 1 / sqrt(their number) (Hayou et al. 2021, "Stable ResNet"): the
    deepest bases would else multiply a rounding error by millions, and no two engines agree.

    ConvNeXt's blocks are scaled by 1: at the 1e-6 that Keras starts with, float32 would not show
    what they compute.

    Args:
        model: changed in place.
        seed: with the kernel's place in layer order, all that the values depend on.
    """
    depthwise = {id(kernel) for kernel in _depthwise_kernels(model)}
    for place, variable in enumerate(model.weights):
        if len(variable.shape) < 2:
            continue
        # A depthwise kernel is (height, width, channels, ...), but sees one channel at a time.
        inputs = variable.shape[:2] if id(variable) in depthwise else variable.shape[:-1]
        draws = np.random.default_rng([seed, place]).standard_normal(variable.shape, np.float32)
        variable.assign(draws * np.float32(np.sqrt(2.0 / int(np.prod(inputs)))))
    ends = list(_ends_of_branches(model))
    for end in ends:
        end.gamma.assign(np.full(end.gamma.shape, 1.0 / np.sqrt(len(ends)), np.float32))
    for layer in model.layers:
        if type(layer).__name__ == "LayerScale":
            layer.set_weights([np.ones_like(scale) for scale in layer.get_weights()])


def _depthwise_kernels(model: "keras.Model") -> Iterator[Any]:
    layers = load_keras().layers
    for layer in model.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            yield layer.kernel
        if isinstance(layer, layers.SeparableConv2D):
            yield layer.depthwise_kernel


def _ends_of_branches(model: "keras.Model") -> Iterator[Any]:
    """Normalisations whose output, or what dropout leaves of it, is added to one that is none."""
    layers = load_keras().layers
    makers = {id(layer.output): layer for layer in model.layers}
    for layer in model.layers:
        if isinstance(layer, layers.Add):
            added = [makers.get(id(tensor)) for tensor in layer.input]
            added = [
                makers[id(each.input)] if isinstance(each, layers.Dropout) else each
                for each in added
            ]
            ends = [each for each in added if isinstance(each, layers.BatchNormalization)]
            if len(ends) == 1:
                yield ends[0]
