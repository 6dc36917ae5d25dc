"""What of a run's images may leak: those in the table, and those that are about to enter it."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from pipelines.commits.commit import placement
from pipelines.commits.leakage import Content
from pipelines.images.inventory import Inventory
from pipelines.images.name_index import Places, hashes_of
from pipelines.images.picked import mask_of
from pipelines.planning.run import Scene
from pipelines.records import is_copy
from pipelines.table.rewriting import placement_of
from pipelines.table.stored import StoredRows


def contents_of(scene: Scene, gone: frozenset[str]) -> Iterator[Content]:
    """What may leak; of a table that is columns, what shares its bytes or its group with another.

    Args:
        scene: what the run saw.
        gone: names of rows that leave.
    """
    if isinstance(scene.inputs, Inventory) and isinstance(scene.stored, StoredRows):
        return _of_columns(scene, scene.inputs, scene.stored, gone)
    return _of_all(scene, gone)


def _of_all(scene: Scene, gone: frozenset[str]) -> Iterator[Content]:
    for name, row in scene.stored.items():
        # A row whose image is gone is no second place of one that was moved.
        here = name in scene.inputs and name not in gone and name not in scene.work.rows
        if here and not is_copy(name):
            yield Content(name, *placement(scene, name, row), row.sha256)
    for name, sha256 in scene.work.rows.items():
        if not is_copy(name):
            yield Content(name, *placement_of(scene.inputs[name]), sha256)


def _of_columns(
    scene: Scene, inputs: Inventory, stored: StoredRows, gone: frozenset[str]
) -> Iterator[Content]:
    work = scene.work.rows
    away = mask_of(inputs, gone) | mask_of(inputs, work.keys())
    rows = np.flatnonzero(stored.places >= 0)
    rows = rows[~away[stored.places[rows]]]
    entering = inputs.places(pa.array(list(work), pa.string()))
    places = np.concatenate([stored.places[rows], entering])
    hashes = np.concatenate(
        [
            hashes_of(stored.rows["sha256"])[rows],
            hashes_of(pa.array(list(work.values()), pa.large_string())),
        ]
    )
    _, where, times = np.unique(hashes, return_inverse=True, return_counts=True)
    suspects = (times[where] > 1) | _in_groups_apart(inputs, places)
    sha256 = pa.chunked_array(
        [
            stored.rows["sha256"].take(pa.array(rows[suspects[: len(rows)]])).combine_chunks(),
            pa.array(list(work.values()), pa.string()).filter(pa.array(suspects[len(rows) :])),
        ]
    )
    refs = inputs.refs(places[suspects])
    for ref, content in zip(refs, sha256.to_pylist(), strict=True):
        yield Content(ref.image_id, *placement_of(ref), content)


def _in_groups_apart(
    inputs: Inventory, places: Places
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each image is of a group that is in several splits."""
    groups = inputs.groups.codes[places].astype(np.int64)
    many = len(inputs.splits.values) + 1
    pairs = np.unique(groups * many + inputs.splits.codes[places])
    splits = np.bincount(pairs // many, minlength=len(inputs.groups.values))
    apart = (splits > 1) & np.array([value is not None for value in inputs.groups.values], np.bool_)
    return apart[groups]
