"""Which heads can give an image several labels, and what each is then."""

from classifiers.heads.dense import DenseHead
from classifiers.heads.head import Head
from classifiers.heads.scikit import ScikitHead
from classifiers.heads.several.head import FittedSeveral, SeveralHead
from classifiers.heads.several.network import FittedSeveralDense, SeveralDense
from classifiers.heads.several.scikit import FittedOneVsRest, OneVsRest
from pipelines.errors import ModelError, UsageError

FITTED: dict[str, type[FittedSeveral]] = {
    "dense": FittedSeveralDense,
    "logistic": FittedOneVsRest,
    "linear_svm": FittedOneVsRest,
    "ridge": FittedOneVsRest,
    "rbf_svm": FittedOneVsRest,
}
"""What reads back a trained head, by what `--head` calls its kind."""


def several_of(head: Head) -> SeveralHead:
    """The head of several labels that has the settings of one of one class an image.

    Raises:
        UsageError: this kind tells classes apart of which an image has one.
    """
    if isinstance(head, ScikitHead):
        return OneVsRest(head)
    if isinstance(head, DenseHead):
        return SeveralDense(head)
    raise UsageError(
        f"the images have several labels each, and {head.name} tells classes apart of which an "
        f"image has one; use --head {', '.join(FITTED)}"
    )


def fitted_several(head: str) -> type[FittedSeveral]:
    """What reads back a trained head of several labels of a kind.

    Raises:
        ModelError: there is no such kind.
    """
    if head not in FITTED:
        raise ModelError(
            f"this version knows no head {head!r} of several labels; train it again, or upgrade"
        )
    return FITTED[head]
