"""The heads on features that there are: a new one is a file and a line here."""

from classifiers.heads import dense, finetune, knn, scikit, softmax
from classifiers.heads.head import FittedHead
from classifiers.heads.kind import HeadKind
from pipelines.errors import ModelError

NETWORKS = (dense.KIND, softmax.KIND)
"""Those that can also be trained together with the end of a base."""

HEADS: dict[str, HeadKind] = {
    kind.name: kind
    for kind in (*NETWORKS, *map(finetune.kind_on, NETWORKS), *scikit.KINDS, knn.KIND)
}
"""All kinds, by name; of several with the same `--head` the first is the one if not told."""


def fitted_of(head: str) -> type[FittedHead]:
    """What reads back a trained head of the kind that `--head` calls so.

    Raises:
        ModelError: there is no such kind.
    """
    for kind in HEADS.values():
        if kind.head == head:
            return kind.fitted
    raise ModelError(f"this version knows no head {head!r}; train it again, or upgrade")


def fitted_files() -> set[str]:
    """What trained heads call their files."""
    return {kind.fitted.file_name for kind in HEADS.values()}
