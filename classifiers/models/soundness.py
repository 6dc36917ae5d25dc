"""Whether a model is what its card says, found out before anything that it says is believed."""

from classifiers.heads.head import FittedHead
from classifiers.models.card import ModelCard
from pipelines.errors import ModelError

AGAIN = "model and card do not belong together; train it again"


def require_sound(head: FittedHead, card: ModelCard) -> None:
    """Hold a model against its card.

    Raises:
        ModelError: it tells other classes apart, takes something else, or holds no numbers.
    """
    try:
        outputs, shape, finite = head.outputs, head.input_shape, head.is_finite()
    except Exception as error:  # a library's file may hold anything that the library can make
        raise ModelError(f"the model's file holds no trained {card.head} ({error})") from error
    if outputs != len(card.classes):
        raise ModelError(
            f"the model tells {outputs} classes apart, its card names {len(card.classes)}; {AGAIN}"
        )
    if card.images is not None and shape != (card.images.size, card.images.size, 3):
        raise ModelError(
            f"the model takes {_shown(shape)}, its card says images of {card.images.size} pixels; "
            f"{AGAIN}"
        )
    if card.images is None and len(shape) != 1:
        raise ModelError(f"the model takes {_shown(shape)}, its card says features; {AGAIN}")
    if not finite:
        raise ModelError("the model holds values that are no finite numbers; train it again")


def require_length(head: FittedHead, features: int, of: str) -> None:
    """Hold a model against the features that it is to be given.

    Args:
        head: the model.
        features: how many an image has.
        of: whose they are, for the complaint.

    Raises:
        ModelError: it takes another number of them.
    """
    if head.input_shape != (features,):
        raise ModelError(
            f"the model takes {_shown(head.input_shape)} an image, {of} has {features}; {AGAIN}"
        )


def _shown(shape: tuple[int | None, ...]) -> str:
    return f"{shape[0]} features" if len(shape) == 1 else f"arrays of shape {shape}"
