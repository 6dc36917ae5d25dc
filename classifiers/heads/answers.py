"""A trained head as one Keras network, for those who use it without this project."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

Gives = Literal["probabilities", "scores"]


@dataclass(frozen=True, slots=True)
class Answers:
    """A head as a network.

    Attributes:
        network: from what the head takes, float32 (n, length) or (n, size, size, 3), to its logits
            or scores, float32 (n, classes), or (n, 1) of the second of two classes.
        gives: what the head makes of them: probabilities of logits, or scores where it has no
            probabilities.
    """

    network: "keras.Model"
    gives: Gives


@runtime_checkable
class Exportable(Protocol):
    """A trained head that can be had as a network."""

    def as_network(self) -> Answers:
        """The head as a network.

        Raises:
            UsageError: this one cannot be had so.
        """
        ...


def of_logits(given: Any) -> Any:  # noqa: ANN401 - Keras is untyped
    """Probabilities (n, classes) of logits (n, classes), or (n, 1) of two classes."""
    keras = load_keras()
    if given.shape[-1] == 1:
        return keras.layers.Activation("sigmoid")(both_classes(given))
    return keras.layers.Softmax()(given)


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is done to features first.

    Attributes:
        mean: float64 (length,), taken off each feature.
        scale: float64 (length,), what each is divided by then.
        of_length_one: whether each image's features are divided by their length before that.
    """

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    of_length_one: bool = False


def linear(
    scaling: Scaling,
    weights: npt.NDArray[np.float64],
    intercepts: npt.NDArray[np.float64],
) -> "keras.Model":
    """A linear classifier of scaled features, as a network.

    The mean is taken off before the product, where it would cancel against large sums; the scale
    goes into the weights.

    Args:
        scaling: of its features.
        weights: (k, length), of the scaled features.
        intercepts: (k,).

    Returns:
        From float32 (n, length) to float32 (n, k).
    """
    keras = load_keras()
    # With a variance of 1 and no epsilon all that is left of it is x - mean.
    shift = keras.layers.BatchNormalization(center=False, scale=False, epsilon=0.0)
    product = keras.layers.Dense(len(weights))
    length = len(scaling.mean)
    unit = [keras.layers.UnitNormalization()] if scaling.of_length_one else []
    network = keras.Sequential([keras.Input((length,)), *unit, shift, product])
    shift.set_weights([scaling.mean, np.ones(length)])
    product.set_weights([(weights / scaling.scale).T, intercepts])
    return keras.Model(network.inputs[0], network.outputs[0])


def both_classes(given: Any) -> Any:  # noqa: ANN401 - Keras is untyped
    """Numbers (n, 2) of those of the second of two classes; of more classes as they are."""
    if given.shape[-1] != 1:
        return given
    return load_keras().layers.Concatenate()([-given, given])
