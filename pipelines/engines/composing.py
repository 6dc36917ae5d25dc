"""A contract as one Keras model: uint8 pixels in, features out. Engines run it or convert it."""

from typing import TYPE_CHECKING, Any

from pipelines.bases import cut, prepare
from pipelines.contract import Contract
from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras

POLICIES = {
    "float32": "float32",
    "tfloat32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
    "int8": "float32",
}
"""Keras's dtype policy for each compute dtype; weights are float32 in all of them. What is to be
quantised is composed in float32."""


def compose(model: "keras.Model", contract: Contract, batch_size: int | None) -> "keras.Model":
    """Put preprocessing before a base and the contract's cut after it.

    Args:
        model: the frozen base, as `pipelines.bases.load_base` gives it.
        contract: layer, pooling, preprocessing, compute dtype and image size wanted.
        batch_size: images a call, fixed; any number when None.

    Returns:
        A frozen model from uint8 (n, size, size, 3), RGB, to float32 features, not yet flattened.
    """
    keras = load_keras()
    size = contract.image_size
    pixels = keras.Input((size, size, 3), batch_size=batch_size, dtype="uint8")
    prepared = prepare(contract, keras.ops.cast(pixels, "float32"))
    policy = POLICIES[contract.compute_dtype]
    base = cut(_with_policy(model, policy), contract.layer, contract.pooling)
    features = keras.ops.cast(base(prepared), "float32")
    composed = keras.Model(pixels, features)
    composed.trainable = False
    return composed


def _with_policy(model: "keras.Model", policy: str) -> "keras.Model":
    if policy == "float32":
        return model
    keras = load_keras()

    def rebuilt(layer: Any) -> Any:  # noqa: ANN401 - any Keras layer
        config = layer.get_config()
        if isinstance(layer, keras.Layer):  # what is a bare operation takes the dtype it is given
            config["dtype"] = policy
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=rebuilt, recursive=True)
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with a copy of its weights, made here
    copy.trainable = False
    return copy
