"""A night's comparison, recalled instead of done again: same files, same images, same answer.

What is recalled was certain by stat data alone, and that certainty depends on nothing else.
"""

import numpy as np
import numpy.typing as npt

from pipelines.images.inventory import Inventory
from pipelines.images.picked import Names
from pipelines.planning.comparison import Comparison
from pipelines.table.agreements import (
    Agreement,
    files_are_there,
    files_hash,
    newest_agreement,
)
from pipelines.table.feature_table import FeatureTable


def recall(table: FeatureTable, inputs: Inventory, inputs_hash: str) -> Agreement | None:
    """What an earlier run found of this version and these images; None where it must be found.

    Args:
        table: the newest version.
        inputs: the images, none of which may have copies.
        inputs_hash: what `fingerprint` gives of them.
    """
    kept = newest_agreement(table.uri)
    if kept is None or (kept.version, kept.inputs) != (table.version, inputs_hash):
        return None
    known = [kept.lacking, *kept.across_splits, *kept.under_labels, *kept.groups_across_splits]
    if not all(places and 0 <= min(places) <= max(places) < len(inputs) for places in known[1:]):
        return None
    if any(not 0 <= place < len(inputs) for place in kept.lacking):
        return None
    return kept if kept.files == files_hash(table) and files_are_there(table) else None


def comparison_of(inputs: Inventory, agreement: Agreement) -> Comparison:
    """What `compare_columns` found."""
    lacking: npt.NDArray[np.bool_] = np.zeros(len(inputs), np.bool_)
    lacking[list(agreement.lacking)] = True
    nothing = frozenset[str]()
    return Comparison(
        new=Names(inputs, lacking),
        same=Names(inputs, ~lacking),
        relabelled=nothing,
        changed=nothing,
        vanished=nothing,
        stray=nothing,
        hashed=0,
    )
