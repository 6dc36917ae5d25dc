"""Random weights that are the same numbers on every machine, Keras version and backend."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


def randomise(model: "keras.Model", seed: int) -> None:
    """Draw every kernel of a base anew; biases and normalisation keep Keras's starting values.

    Kernels are normal with the variance 2 / fan-in that keeps the scale of rectified outputs
    (He et al. 2015, "Delving Deep into Rectifiers", section 2.2).

    Args:
        model: changed in place.
        seed: with the kernel's place in layer order, all that the values depend on.
    """
    for place, variable in enumerate(model.weights):
        if len(variable.shape) < 2:
            continue
        fan_in = int(np.prod(variable.shape[:-1]))
        draws = np.random.default_rng([seed, place]).standard_normal(variable.shape, np.float32)
        variable.assign(draws * np.float32(np.sqrt(2.0 / fan_in)))
