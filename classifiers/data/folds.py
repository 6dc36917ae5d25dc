"""Cutting labelled rows into folds: alike in classes, and never through what belongs together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.data.row_groups import SplitRows
from pipelines.errors import UsageError
from pipelines.table.schema import GROUP

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """One division of rows.

    Attributes:
        train: int64 (n,), places of the rows to fit on, ascending.
        test: int64 (m,), of those to score on, ascending.
    """

    train: Places
    test: Places


def together(rows: SplitRows) -> Places:
    """Numbers of rows, int64 (n,), equal for those that no fold may part.

    These are the copies of an image, images of equal bytes, images of one group, and whatever is
    linked by several of these.
    """
    table = rows.table
    names = ["image_id", "sha256", *({GROUP} & table.optional)]
    with table.reading():
        known = table.dataset().to_table(columns=names).group_by("image_id")
        held = known.aggregate([(name, "list") for name in names[1:]])
    signs = zip(*(held.column(name).to_pylist() for name in held.column_names), strict=True)
    column = held.column_names.index("image_id")
    of_image = {each[column]: [x for i, x in enumerate(each) if i != column] for each in signs}
    marks = []
    for image in rows.keys.column("image_id").to_pylist():
        own = [(0, image)]
        for kind, values in enumerate(of_image[image], 1):
            own += [(kind, value) for value in values if value is not None]
        marks.append(own)
    return linked(marks)


def linked(marks: Sequence[Sequence[tuple[int, str]]]) -> Places:
    """Numbers of rows, int64 (n,), equal for those that share a mark, or are linked by others.

    Args:
        marks: of each row, kinds of mark with their values; at least one.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    numbers: dict[tuple[int, str], int] = {}
    ends = np.array(
        [
            (row, numbers.setdefault(mark, len(numbers)))
            for row, those in enumerate(marks)
            for mark in those
        ]
    )
    count = len(marks)
    size = count + len(numbers)
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], count + ends[:, 1])), (size, size))
    labels: Places = connected_components(graph, directed=False)[1][:count].astype(np.int64)
    return labels


def cut(
    targets: Places, units: Places, scored: npt.NDArray[np.bool_], folds: int, seed: int
) -> list[Fold]:
    """Cut rows into folds, each row in the test part of one of them.

    Args:
        targets: int64 (n,), class numbers.
        units: what `together` says.
        scored: bool (n,), rows that are scored on: augmented copies are not.
        folds: how many.
        seed: of the shuffling.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    alone = len(np.unique(units)) == len(units)
    # The one for groups takes a second for each ten thousand of them.
    kind, groups = (StratifiedKFold, None) if alone else (StratifiedGroupKFold, units)
    cutter = kind(folds, shuffle=True, random_state=seed)
    return [
        Fold(train, test[scored[test]])
        for train, test in cutter.split(np.zeros(len(targets)), targets, groups)
    ]


def parted(targets: Places, units: Places, classes: int) -> Places:
    """How many of each class's images, int64 (classes,), folds may part; see `cut`."""
    pairs = np.unique(np.column_stack([targets, units]), axis=0)
    counts: Places = np.bincount(pairs[:, 0], minlength=classes)
    return counts


def check_classes(targets: Places, units: Places, classes: Sequence[str], folds: int) -> None:
    """Refuse more folds than a class has images that can be parted.

    Raises:
        UsageError: names the class, and how many folds there can be.
    """
    counts = parted(targets, units, len(classes))
    least = int(counts.argmin())
    if counts[least] >= folds:
        return
    name = classes[least]
    if counts[least] < 2:
        raise UsageError(
            f"class {name!r} has one image, or images that no fold may part; give it others, or "
            "search with --validation"
        )
    raise UsageError(
        f"class {name!r} has {counts[least]} images that folds may part, fewer than --folds "
        f"{folds}; ask for {counts[least]} at most"
    )


def require_whole(
    found: Sequence[Fold],
    targets: Places,
    classes: Sequence[str],
    instead: str = "ask for other --folds, or search with --validation",
) -> None:
    """Refuse folds in which a class is missing from what is fitted on, or nothing is scored.

    Args:
        found: the folds.
        targets: int64 (n,), class numbers.
        classes: names by number.
        instead: what the user may do.

    Raises:
        UsageError: groups are so large that there is no better cut.
    """
    for number, fold in enumerate(found, 1):
        there = np.bincount(targets[fold.train], minlength=len(classes))
        if not len(fold.test) or not there.all():
            lacking = classes[int(there.argmin())]
            raise UsageError(
                f"fold {number} of {len(found)} leaves no image of class {lacking!r} to fit on, "
                f"since groups stay whole; {instead}"
            )


def whole_images(keys: pa.Table) -> npt.NDArray[np.bool_]:
    """Which rows (n,) are images themselves, not augmented copies."""
    copies: npt.NDArray[np.bool_] = keys.column("copy").to_numpy() == 0
    return copies
