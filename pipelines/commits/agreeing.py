"""Putting down what a run leaves where nothing is in doubt, and taking up what another put down."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from pipelines.commits.leakage import Leakage
from pipelines.images.inventory import Inventory
from pipelines.images.picked import mask_of
from pipelines.planning.column_comparison import settled_rows
from pipelines.planning.run import Scene
from pipelines.planning.uncommitted import FinishedWork
from pipelines.table.agreements import Agreement, Places, files_hash
from pipelines.table.feature_table import FeatureTable
from pipelines.table.stored import StoredRows

MOST = 10_000
"""Images that an agreement may name; with more it would be no small file."""


def agreement_of(
    scene: Scene, table: FeatureTable, leakage: Leakage, inputs_hash: str
) -> Agreement | None:
    """What the next run may recall; None where it has to look again.

    That is so where a row is not certain by its stat data, is of no image, or was to be changed,
    and where there are copies.

    Args:
        scene: what the run saw.
        table: what it made of that, by adding the finished files; the same where there were none.
        leakage: what leaks of it.
        inputs_hash: what `fingerprint` gives of the images.
    """
    inputs, compared, work = scene.inputs, scene.comparison, scene.work
    if not isinstance(inputs, Inventory) or not isinstance(scene.stored, StoredRows):
        return None
    doubt = compared.relabelled | compared.changed | compared.vanished | compared.stray
    if doubt or compared.hashed or work.salvage or not _are_certain(inputs, scene.stored, work):
        return None
    lacking = mask_of(inputs, compared.new) & ~mask_of(inputs, work.rows.keys())
    groups = [*leakage.groups_across_splits.values()]
    told = (leakage.across_splits, leakage.under_labels, groups)
    many = np.count_nonzero(lacking) + sum(len(ids) for kind in told for ids in kind)
    if many > MOST:
        return None
    return Agreement(
        table.version,
        files_hash(table),
        inputs_hash,
        tuple(np.flatnonzero(lacking).tolist()),
        *(tuple(_places(inputs, ids) for ids in kind) for kind in told),
    )


def _are_certain(inputs: Inventory, stored: StoredRows, work: FinishedWork) -> bool:
    """Whether all rows will be their images' to a later run, to which none is its own."""
    parts = [(stored.rows, stored.places)]
    for file in work.files:
        path = pa.array([file.path] * file.keys.num_rows, pa.string())
        keys = file.keys.append_column("path", path)
        parts.append((keys, inputs.places(keys.column("image_id"))))
    return all(settled_rows(inputs, keys, places, None).all() for keys, places in parts)


def leakage_agreed(inputs: Inventory, agreement: Agreement) -> Leakage:
    """The leakage that `agreement_of` was given."""
    groups = {
        inputs.groups.values[inputs.groups.codes[places[0]]] or "": _ids(inputs, places)
        for places in agreement.groups_across_splits
    }
    return Leakage(
        tuple(_ids(inputs, places) for places in agreement.across_splits),
        tuple(_ids(inputs, places) for places in agreement.under_labels),
        groups,
    )


def _places(inputs: Inventory, ids: Iterable[str]) -> Places:
    return tuple(inputs.places(pa.array(ids, pa.string())).tolist())


def _ids(inputs: Inventory, places: Places) -> tuple[str, ...]:
    return tuple(inputs.ids.take(pa.array(places, pa.int64())).to_pylist())
