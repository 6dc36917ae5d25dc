"""Building a base in Keras, the same way whatever was built before."""

from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from typing import TYPE_CHECKING, Any

from pipelines.bases.catalogue import Base
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Standard deviation of ImageNet's colours, red, green and blue, where white is 1."""


def build(base: Base, image_size: int, weights: str | None = None) -> "keras.Model":
    """Build a base and freeze it for good.

    Args:
        base: which one.
        image_size: height and width of its input in pixels.
        weights: "imagenet" (Keras's cache or download), or None for Keras's own random values.

    Returns:
        A model from float (n, image_size, image_size, 3) to the last layer's output, with no
        trainable weight.
    """
    keras = load_keras()
    policy = keras.config.dtype_policy()

    def construct() -> Any:  # noqa: ANN401 - Keras is untyped
        keras.config.set_dtype_policy(policy)  # this too Keras keeps by thread
        return _construct(base, image_size, weights)

    # Keras counts layers without a name by thread: in a new one they get the names that they have
    # in a new process, which contracts hold.
    with ThreadPoolExecutor(1, thread_name_prefix="build") as thread:
        model = thread.submit(construct).result()
    model.trainable = False
    return model


def _construct(base: Base, image_size: int, weights: str | None) -> "keras.Model":
    keras = load_keras()
    # Not given our name: by it Keras chooses the preprocessing and the file of a base.
    model = getattr(keras.applications, base.name)(
        include_top=base.top, weights=weights, input_shape=(image_size, image_size, 3)
    )
    if base.module == "efficientnet" and weights is None:
        model = _scaled_as_with_imagenet(model)
    return keras.Model(model.input, model.output, name=base.name)


def _scaled_as_with_imagenet(model: "keras.Model") -> "keras.Model":
    """EfficientNet with the step that Keras puts in only when it loads ImageNet weights itself.

    The same weights must give the same features, whatever file they come from.
    """
    keras = load_keras()
    divisors = [1.0 / sqrt(deviation) for deviation in IMAGENET_DEVIATION]

    def call(layer: Any, *inputs: Any, **settings: Any) -> Any:  # noqa: ANN401 - Keras's own
        output = layer(*inputs, **settings)
        if isinstance(layer, keras.layers.Normalization):
            output = keras.layers.Rescaling(divisors, name="rescaling_1")(output)
        return output

    return keras.models.clone_model(model, call_function=call)
