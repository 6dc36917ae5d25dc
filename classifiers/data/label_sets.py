"""Images that may have several labels: which of them each row has, as zeros and ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.data.columns import read_columns
from classifiers.data.encoding import named
from classifiers.data.row_groups import SplitRows
from classifiers.data.training_set import StreamedSet
from pipelines.cli import log
from pipelines.errors import TableError
from pipelines.records import ImageRef, labels_of
from pipelines.table.schema import LABELS


@dataclass(frozen=True, slots=True)
class LabelSets:
    """The labels of n rows.

    Attributes:
        lists: list<string> (n,); empty for an image that was looked at and has none of the labels,
            null where nobody said.
    """

    lists: pa.ListArray

    @property
    def said(self) -> npt.NDArray[np.bool_]:
        """Of each row (n,), whether somebody said what it shows."""
        found: npt.NDArray[np.bool_] = self.lists.is_valid().to_numpy(zero_copy_only=False)
        return found

    def names(self) -> tuple[str, ...]:
        """The labels that there are, sorted."""
        return tuple(sorted(pc.unique(self.lists.flatten()).to_pylist()))

    def marks(self, labels: Sequence[str]) -> npt.NDArray[np.int64]:
        """1 for each label that a row has, else 0, int64 (n, labels); others are left out."""
        marks = np.zeros((len(self.lists), len(labels)), np.int64)
        place = pc.index_in(self.lists.flatten(), pa.array(labels, pa.string()))
        known = place.is_valid().to_numpy(zero_copy_only=False)
        rows = pc.list_parent_indices(self.lists).to_numpy(zero_copy_only=False)
        marks[rows[known], place.drop_null().to_numpy()] = 1
        return marks


def read_label_sets(rows: SplitRows) -> LabelSets:
    """The labels of rows, in the order of their keys; one label is a list of one.

    Raises:
        TableError: a file is missing, damaged, or not what it was when the rows were found.
    """
    single = rows.keys["label"].combine_chunks()
    offsets = np.concatenate([[0], np.cumsum(single.is_valid().to_numpy(zero_copy_only=False))])
    alone = pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32(), mask=np.append(single.is_null().to_numpy(False), False)),
        single.drop_null(),
    )
    if LABELS not in rows.table.optional:
        return LabelSets(alone)
    lists = read_columns(rows, [LABELS])[LABELS].combine_chunks()
    plain = pa.list_(pa.string())
    return LabelSets(pc.coalesce(lists.cast(plain), alone.cast(plain)))


def sets_of(refs: Sequence[ImageRef]) -> LabelSets:
    """The labels that an input says of images; one label is a list of one."""
    lists = []
    for ref in refs:
        several = labels_of(ref.label)
        lists.append([ref.label] if several is None and ref.label is not None else several)
    return LabelSets(pa.array(lists, pa.list_(pa.string())))


def learnable(sets: LabelSets, split: str) -> tuple[str, ...]:
    """The labels that a head can learn, sorted: some images have each of them, and some do not.

    Labels that every image has are left out, which is told.

    Args:
        sets: the labels of the rows to train on.
        split: what these are called, for messages.

    Raises:
        TableError: there are none.
    """
    names = sets.names()
    marks = sets.marks(names)[sets.said]
    found = tuple(name for number, name in enumerate(names) if not marks[:, number].all())
    if not found:
        raise TableError(
            f"no label tells images of split {split!r} apart: "
            + (f"all of them have {named(names)}" if names else "none of them has any")
        )
    if len(found) < len(names):
        always = [name for name in names if name not in found]
        log(f"left out: {named(always)}, which all images of split {split!r} have")
    return found


def marked_rows(rows: SplitRows, sets: LabelSets, labels: Sequence[str], split: str) -> StreamedSet:
    """The rows of which somebody said what they show, their features still in the table.

    Args:
        rows: the rows of a split.
        sets: their labels.
        labels: those that count, by number.
        split: its name, for messages.

    Returns:
        The rows; their targets are int64 (n, labels), zeros and ones.

    Raises:
        TableError: there are none.
    """
    said = sets.said
    if not said.any():
        raise TableError(f"no image of split {split!r} has labels, nor an empty list of them")
    if not said.all():
        log(f"left out of split {split!r}: {(~said).sum()} rows that nobody has labelled")
    others = [name for name in sets.names() if name not in labels]
    if others:
        log(f"labels of split {split!r} that are not trained on, and do not count: {named(others)}")
    return StreamedSet(rows.only(said), sets.marks(labels)[said])
