"""Preprocessing, base and head as one Keras network, from uint8 images to what the head says."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from classifiers.exporting.saying import said
from classifiers.heads.answers import Answers, Exportable, Gives
from classifiers.models.folder import Model
from classifiers.models.soundness import require_length
from pipelines.bases import WeightsRequest
from pipelines.contract import Contract
from pipelines.engines.composing import compose
from pipelines.engines.opening import open_base_of
from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras
from pipelines.table.precision import MANTISSA_BITS

if TYPE_CHECKING:
    import keras

INPUT = "images"
"""What an exported model calls what it takes."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A model in one piece.

    Attributes:
        network: from uint8 (n, size, size, 3), RGB, to float32 (n, classes).
        gives: what its answers are, and what it calls them.
    """

    network: "keras.Model"
    gives: Gives


def answers_of(model: Model) -> Answers:
    """What the model says, without the base, as a network.

    Raises:
        UsageError: it cannot be had so.
    """
    if not isinstance(model.head, Exportable):
        raise UsageError(f"a {model.card.head} cannot be exported; train another --head")
    decisions = model.card.decisions
    if decisions is not None and decisions.isotonic is not None:
        raise UsageError(
            "a model with isotonic curves cannot be exported, since float32 does not hold them as "
            "they are; train it with --calibrate alone, by a temperature or sigmoids"
        )
    return said(model.head.as_network(), decisions)


def on_images(answers: Answers, size: int) -> Whole:
    """The whole of a model that reads images.

    Args:
        answers: the model as a network, from pixels, 0-255.
        size: height and width of the images.
    """
    keras = load_keras()
    pixels = keras.Input((size, size, 3), dtype="uint8", name=INPUT)
    return _named(pixels, answers.network(keras.ops.cast(pixels, "float32")), answers.gives)


def on_base(model: Model, answers: Answers, contract: Contract, weights: WeightsRequest) -> Whole:
    """The whole of a head on features: the base that makes them before it.

    Args:
        model: the model.
        answers: its head as a network.
        contract: of the features.
        weights: where to find those that the features were made with.

    Raises:
        WeightsError: they are not there, or are others.
        ModelError: the head takes other features than its card says.
    """
    keras = load_keras()
    size = contract.image_size
    base = compose(open_base_of(contract, weights).model, contract, None)
    require_length(model.head, prod(base.output_shape[1:]), contract.base, model.name)
    pixels = keras.Input((size, size, 3), dtype="uint8", name=INPUT)
    features = _rounded(keras.layers.Flatten()(base(pixels)), contract.precision)
    return _named(pixels, answers.network(features), answers.gives)


def _rounded(features: Any, precision: str) -> Any:  # noqa: ANN401 - Keras is untyped
    """What `round_mantissa` does, in plain arithmetic, which every runtime has (Veltkamp 1968)."""
    dropped = 23 - MANTISSA_BITS[precision]
    if dropped == 0:
        return features
    large = features * float(2**dropped + 1)
    return large - (large - features)


def _named(pixels: Any, answers: Any, gives: Gives) -> Whole:  # noqa: ANN401 - Keras is untyped
    keras = load_keras()
    named = keras.layers.Identity(name=gives, dtype="float32")(answers)
    return Whole(keras.Model(pixels, named, name="exported"), gives)
