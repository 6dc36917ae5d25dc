"""Whether a model is what its card says, found out before anything that it says is believed."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classifiers.heads.head import FittedHead, Judgement
from classifiers.heads.several.head import FittedSeveral
from classifiers.models.card import ModelCard
from pipelines.errors import ModelError

AGAIN = "model and card do not belong together; train it again"

Saying = FittedHead | FittedSeveral


def require_sound(head: Saying, card: ModelCard, model: str) -> None:
    """Hold a model against its card.

    A head that somebody registered and that says nothing of itself is known by its answers alone.

    Args:
        head: the model.
        card: its card.
        model: what to call it.

    Raises:
        ModelError: it tells other classes apart, takes something else, or holds no numbers.
    """
    if not _says(head):
        return
    try:
        outputs, shape, finite = head.outputs, head.input_shape, head.is_finite()
    except Exception as error:  # a library's file may hold anything that the library can make
        raise ModelError(
            f"the file of {model} holds no trained {card.head} ({error}); train it again"
        ) from error
    if outputs != len(card.classes):
        raise ModelError(
            f"{model} tells {outputs} classes apart, its card names {len(card.classes)}; {AGAIN}"
        )
    if card.images is not None and shape != (card.images.size, card.images.size, 3):
        raise ModelError(
            f"{model} takes {_shown(shape)}, its card says images of {card.images.size} pixels; "
            f"{AGAIN}"
        )
    if card.images is None and len(shape) != 1:
        raise ModelError(f"{model} takes {_shown(shape)}, its card says features; {AGAIN}")
    if not finite:
        raise ModelError(f"{model} holds values that are no finite numbers; train it again")


def require_length(head: Saying, features: int, of: str, model: str) -> None:
    """Hold a model against the features that it is to be given.

    Args:
        head: the model.
        features: how many an image has.
        of: whose they are, for the complaint.
        model: what to call the model.

    Raises:
        ModelError: it takes another number of them.
    """
    if _says(head) and head.input_shape != (features,):
        raise ModelError(
            f"{model} takes {_shown(head.input_shape)} an image, {of} has {features}; {AGAIN}"
        )


def require_scores(judged: Judgement, classes: Sequence[str]) -> None:
    """Hold an answer against the classes that it is to tell apart.

    Raises:
        ModelError: it has scores of more or fewer classes.
    """
    shape = judged.ranking.shape
    if len(shape) != 2 or shape[1] != len(classes):
        raise ModelError(
            f"the model gives scores of shape {shape[1:]} for an image, its card "
            f"names {len(classes)} classes; {AGAIN}"
        )


def require_finite(ranking: npt.NDArray[np.float64]) -> None:
    """Refuse scores that cannot be measured.

    Args:
        ranking: float64 (n, classes).

    Raises:
        ModelError: some are no finite numbers.
    """
    lost = int((~np.isfinite(ranking).all(axis=1)).sum())
    if lost:
        raise ModelError(
            f"the model gives no finite scores for {lost} of {len(ranking)} images, so that it "
            "cannot be measured; train it again"
        )


def _says(head: Saying) -> bool:
    # Of the class: a damaged model's own may raise.
    return all(hasattr(type(head), each) for each in ("outputs", "input_shape", "is_finite"))


def _shown(shape: tuple[int | None, ...]) -> str:
    return f"{shape[0]} features" if len(shape) == 1 else f"arrays of shape {shape}"
