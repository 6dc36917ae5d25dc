"""The card under Keras, whichever backend runs: finding it, feeding it, waiting for it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipelines.system.keras_backend import load_keras

if TYPE_CHECKING:
    import keras


def prepare_card() -> str | None:
    """Set the backend up for measuring and name its first GPU; None where there is none.

    TensorFlow is kept from taking all memory at once. PyTorch's matrix products get the same
    precision as its convolutions (TF32 where the card has it), so that one can be held against the
    other; TensorFlow and JAX treat the two alike by themselves.
    """
    backend = load_keras().backend.backend()
    if backend == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
        return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None
    if backend == "jax":
        import jax

        cards = [device for device in jax.devices() if device.platform in ("gpu", "cuda", "rocm")]
        return str(cards[0].device_kind) if cards else None
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    for card in cards:
        tf.config.experimental.set_memory_growth(card, True)
    if not cards:
        return None
    details = tf.config.experimental.get_device_details(cards[0])
    return str(details.get("device_name", cards[0].name))


def put(array: Any, dtype: str) -> Any:  # noqa: ANN401 - a NumPy array to a backend's tensor
    """An array as a tensor of that dtype in the card's memory (the host's without a card)."""
    keras = load_keras()
    tensor = keras.ops.cast(keras.ops.convert_to_tensor(array), dtype)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # TensorFlow would leave it on the host and copy it at every use.
        with tf.device("GPU:0" if tf.config.list_logical_devices("GPU") else "CPU:0"):
            tensor = tf.identity(tensor)
    wait(tensor)
    return tensor


def wait(tensor: Any) -> None:  # noqa: ANN401 - any backend's tensor
    """Return when a tensor is computed, and with it all that was asked for before it.

    Cards work behind the program's back, in the order asked. Fetching one number of the last result
    is the one way of waiting that holds for every backend.
    """
    ops = load_keras().ops
    ops.convert_to_numpy(ops.reshape(tensor, (-1,))[:1])


def compiled(model: "keras.Model") -> Callable[[Any], Any]:
    """A model's inference as its backend runs it fastest, from a tensor to a tensor."""
    backend = load_keras().backend.backend()
    if backend == "torch":
        import torch

        def run(images: Any) -> Any:  # noqa: ANN401
            with torch.no_grad():
                return model(images, training=False)

        return run
    if backend == "jax":
        import jax

        held = [variable.value for variable in model.non_trainable_variables]
        taught = [variable.value for variable in model.trainable_variables]
        # The weights are arguments, for as constants they would be compiled in.
        forward = jax.jit(lambda a, b, x: model.stateless_call(a, b, x, training=False)[0])
        return lambda images: forward(taught, held, images)
    import tensorflow as tf

    return tf.function(  # type: ignore[no-any-return]
        lambda images: model(images, training=False), jit_compile=bool(model.jit_compile)
    )
