"""The tables that a model is given features of, held against those that it was trained on."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.data.decoding import Block, decode
from classifiers.data.memory import default_budget, show_size
from classifiers.data.row_groups import SplitRows, find_rows
from classifiers.data.side_by_side import Beside
from classifiers.data.training_set import Batch, StreamedSet, rows_at_once
from classifiers.models.card import ModelCard
from classifiers.models.soundness import Saying, require_length
from pipelines.contract import require_same_contract
from pipelines.errors import UsageError
from pipelines.table.feature_table import FeatureTable


def tables_of(
    card: ModelCard, location: str, version: int | None, also: Sequence[str]
) -> tuple[FeatureTable, Beside]:
    """Open the tables whose features a model is to be given.

    Args:
        card: the model's.
        location: of the first table.
        version: an older version of it; the newest when None.
        also: the tables beside it, in the order of the training.

    Raises:
        TableError: there is no such table or version.
        ContractMismatchError: their features are not the model's.
        UsageError: it takes features of another number of tables, or images.
    """
    contracts = card.contracts
    if len(contracts) != 1 + len(also):
        raise UsageError(_other_number(card, len(also)))
    tables = [FeatureTable.open(location, version), *map(FeatureTable.open, also)]
    for contract, table in zip(contracts, tables, strict=True):
        whose = "the table" if len(tables) == 1 else table.uri
        require_same_contract(contract, "the model", table.contract, whose)
    return tables[0], Beside(tuple(tables[1:]))


def require_given(head: Saying, table: FeatureTable, beside: Beside, model: str) -> None:
    """Hold a model against the features that tables have; see `require_length`.

    Raises:
        ModelError: it takes another number of them.
    """
    length = table.feature_length + beside.length
    whose = f"the table {table.uri}" if not beside.tables else "an image in these tables"
    require_length(head, length, whose, model)


def batches_beside(samples: StreamedSet, beside: Beside) -> Iterator[Batch]:
    """The rows once, streamed from one table, or held where there are several.

    Raises:
        UsageError: they are more than this process may hold.
    """
    if not beside.tables:
        return samples.batches()
    require_room(beside, samples.rows)
    return beside.hold(samples).batches()


def named_in_report(table: FeatureTable, beside: Beside) -> dict[str, Any]:
    """What a report says of the tables that a model was given."""
    found: dict[str, Any] = {"table": table.uri, "table_version": table.version}
    if beside.tables:
        found["also"] = [
            {"table": each.uri, "table_version": each.version} for each in beside.tables
        ]
    return found


def blocks_beside(
    table: FeatureTable, split: str | None, beside: Beside
) -> tuple[SplitRows, Iterator[Block]]:
    """The rows of a split with the features of all tables: streamed from one, held of several.

    Returns:
        The rows, and blocks of the features of all tables with their places among the rows.

    Raises:
        TableError: there are no such rows, or the tables contradict each other.
        UsageError: they are more than this process may hold.
    """
    rows = beside.common(find_rows(table, split), split)
    if not beside.tables:
        return rows, decode(rows, lambda block: block)
    require_room(beside, rows)
    return rows, _cut(beside.read(rows))


def _cut(features: npt.NDArray[np.float32]) -> Iterator[Block]:
    step = rows_at_once(features.shape[1])
    for start in range(0, len(features), step):
        part = features[start : start + step]
        yield Block(part, np.arange(start, start + len(part)))


def require_room(beside: Beside, rows: SplitRows) -> None:
    """Refuse features of several tables that are more than this process may hold.

    Raises:
        UsageError: they are.
    """
    size, budget = rows.feature_bytes + beside.bytes(rows.keys.num_rows), default_budget()
    if size > budget.size:
        raise UsageError(
            f"the features of several tables are held in memory, {show_size(size)} here, and "
            f"{show_size(budget.size)} ({budget.reason}) are allowed; name a smaller split"
        )


def require_one_base(card: ModelCard) -> None:
    """Refuse to give images to a model of the features of several bases.

    Raises:
        UsageError: it is one.
    """
    if card.beside:
        raise UsageError(
            f"this model takes the features of {1 + len(card.beside)} tables side by side: extract "
            "the images into tables of the same options, and name these with --table and "
            "--also_table"
        )


def _other_number(card: ModelCard, also: int) -> str:
    if not card.beside:
        return "--also_table has no meaning with a model that takes the features of one table"
    named = " ".join(each.table for each in card.beside)
    return (
        f"this model takes the features of {1 + len(card.beside)} tables side by side, of which "
        f"{1 + also} are named; it was trained with --also_table {named}"
    )
