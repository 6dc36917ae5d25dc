"""What is done to pixels before they enter a base."""

from typing import Any

from pipelines.bases.catalogue import IN_MODEL, Base
from pipelines.errors import UsageError
from pipelines.system.keras_backend import load_keras

PREPROCESSINGS = ("imagenet", "rescale")
"""Those that are a base's own, or the book's; `pipelines.bases.scaling` has those in numbers."""


def check_preprocessing(base: Base, preprocessing: str) -> None:
    """Refuse to scale pixels that the base scales itself.

    Raises:
        UsageError: it would.
    """
    if preprocessing != "imagenet" and base.preprocessing == IN_MODEL:
        raise UsageError(
            f"{base.name} scales pixels in its own first layers, --preprocessing {preprocessing} "
            "would scale them twice; leave the option out"
        )


def preprocess(base: Base, preprocessing: str, images: Any) -> Any:  # noqa: ANN401 - any tensor
    """Scale pixels the way the base was trained, or the way the book does.

    Args:
        base: whose `preprocess_input` is meant by "imagenet".
        preprocessing: "imagenet", or "rescale" (pixels times 1/255).
        images: float32 (n, height, width, 3), RGB, 0–255; a NumPy array or a Keras tensor.

    Returns:
        The same shape, in the base's own range, or 0–1.
    """
    if preprocessing == "rescale":
        return images * (1.0 / 255.0)
    return getattr(load_keras().applications, base.module).preprocess_input(images)
