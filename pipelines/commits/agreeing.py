"""Putting down what a run without work found, and the leakage that an earlier one put down."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from pipelines.commits.leakage import Leakage
from pipelines.images.inventory import Inventory
from pipelines.images.picked import mask_of
from pipelines.planning.run import Scene
from pipelines.table.agreements import Agreement, Places, files_hash
from pipelines.table.stored import StoredRows

MOST = 10_000
"""Images that an agreement may name; with more it would be no small file."""


def agreement_of(scene: Scene, leakage: Leakage, inputs_hash: str) -> Agreement | None:
    """What the next run may recall; None where it has to look again.

    That is so where a row is not certain by its stat data, is of no image, or is to be changed, and
    where there are copies.

    Args:
        scene: what the run saw; no row of it may be the run's own.
        leakage: what leaks of it.
        inputs_hash: what `fingerprint` gives of the images.
    """
    table, inputs, compared = scene.table, scene.inputs, scene.comparison
    if table is None or not isinstance(inputs, Inventory):
        return None
    if not isinstance(scene.stored, StoredRows) or scene.work.rows:
        return None
    doubt = compared.relabelled | compared.changed | compared.vanished | compared.stray
    groups = [*leakage.groups_across_splits.values()]
    told = (leakage.across_splits, leakage.under_labels, groups)
    many = len(compared.new) + sum(len(ids) for kind in told for ids in kind)
    if doubt or compared.hashed or many > MOST:
        return None
    return Agreement(
        table.version,
        files_hash(table),
        inputs_hash,
        tuple(np.flatnonzero(mask_of(inputs, compared.new)).tolist()),
        *(tuple(_places(inputs, ids) for ids in kind) for kind in told),
    )


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
