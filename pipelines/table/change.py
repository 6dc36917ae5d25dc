"""What one transaction lets into a table or out of it, and the table that it was planned on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.contract import Augmentation, Contract
from pipelines.errors import CommitRefusedError
from pipelines.table.inspection import InspectedFile


class TableMovedError(CommitRefusedError):
    """Another run committed after this one planned; plan again on the new version."""


@dataclass(frozen=True, slots=True)
class TableState:
    """The table that a commit was planned on.

    Attributes:
        uri: where it is.
        version: its Delta version; None when it did not exist.
        contract: the one contract of all its features.
        feature_shape: shape of one image's features before flattening.
        keys: what `FeatureTable.keys` or `FeatureTable.names` gave.
        augmentation: how its copies are made; None where it may hold none.
        optional: which of `OPTIONAL` are columns of it.
    """

    uri: str
    version: int | None
    contract: Contract
    feature_shape: tuple[int, ...]
    keys: pa.Table
    augmentation: Augmentation | None = None
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does.

    Attributes:
        added: files that enter; each non-empty and of the table's contract and shape.
        removed: paths of files that leave, their wanted rows being in files that enter.
        run: the run's record, kept in the commit.
        moves_only: True when rows change files and nothing else, so that readers of changes may
            pass over it.
    """

    added: Sequence[InspectedFile]
    removed: Sequence[str]
    run: dict[str, Any]
    moves_only: bool = False
