"""What the columns of all plain inputs have in common: their order, and their few values."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.images.inventory import BLOCK, Coded, Codes
from pipelines.images.splits import TEST, TRAIN, UNLABELLED, VALIDATION, split_named, split_of

CHOSEN = (TRAIN, VALIDATION, TEST, UNLABELLED)
"""What `split_of` may give."""


class NotPlainError(Exception):
    """An input is not plain; whether it is right is for others to tell."""


def ascends(names: pa.LargeStringArray) -> bool:
    """Whether names ascend, no two of them alike."""
    return bool(pc.all(pc.less(names[:-1], names[1:]), min_count=0).as_py())


def recoded(codes: Codes, values: Sequence[str | None]) -> Coded:
    """A column of values that may repeat as one of values that do not.

    Args:
        codes: of each row, the place of its value.
        values: of all places.
    """
    once = {value: code for code, value in enumerate(dict.fromkeys(values))}
    return Coded(np.array([once[value] for value in values], np.int32)[codes], tuple(once))


def coded_splits(ids: pa.LargeStringArray, named: Coded, labels: Coded, groups: Coded) -> Coded:
    """The splits that are named, and for others what `split_of` makes of them."""
    values = [split_named(name) if name else None for name in named.values]
    codes = named.codes.copy()
    unnamed = np.flatnonzero(np.array([value is None for value in values], np.bool_)[codes])
    places = {name: len(values) + place for place, name in enumerate(CHOSEN)}
    for start in range(0, len(unnamed), BLOCK):
        part = unnamed[start : start + BLOCK]
        chosen = map(
            split_of,
            ids.take(pa.array(part)).to_pylist(),
            map(labels.values.__getitem__, labels.codes[part].tolist()),
            map(groups.values.__getitem__, groups.codes[part].tolist()),
        )
        codes[part] = [places[name] for name in chosen]
    return recoded(codes, [*values, *CHOSEN])
