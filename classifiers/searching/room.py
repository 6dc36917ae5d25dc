"""Whether a search fits into the memory allowed for it, said before anything is read."""

from classifiers.data.decoding import blocks_ahead
from classifiers.data.memory import MemoryBudget, show_size
from classifiers.searching import stream_paths
from classifiers.searching.data import DividedRows
from classifiers.searching.settings import Space
from pipelines.errors import UsageError

BLOCK_COPIES = 4
"""Memory that a block takes on its way: Arrow's, that of the rows wanted, and one in float64."""


def room_for_passes(rows: DividedRows, classes: int, budget: MemoryBudget) -> int:
    """Bytes that are left of the budget beside the blocks under way.

    Raises:
        UsageError: they are not enough for a single fit.
    """
    under_way = BLOCK_COPIES * (blocks_ahead() + 1) * max(part.batch_bytes for part in rows.parts)
    columns = stream_paths.columns_of(classes)
    least = under_way + stream_paths.fit_bytes(columns, rows.parts[0].length)
    if least > budget.size:
        raise UsageError(
            f"{show_size(budget.size)} ({budget.reason}) is too little to search in passes over "
            f"the rows; give --memory {-(-least // 1000)}K or more"
        )
    return budget.size - under_way


def require_room(rows: DividedRows, space: Space, budget: MemoryBudget) -> None:
    """Refuse a budget that is too small for passes.

    Raises:
        UsageError: it is.
    """
    for pooling in space.poolings:
        pooled = rows.pooled(pooling)
        if not pooled.workers(budget, space.heads):
            room_for_passes(pooled, len(rows.classes), budget)


def require_trainable(rows: DividedRows, space: Space, budget: MemoryBudget) -> None:
    """Refuse a search whose best setting might be one that cannot be trained within the budget.

    Raises:
        UsageError: one of its heads has to hold all features, for which there is no room.
    """
    for path in space.paths():
        head = path.settings()[0].make_head()
        size = rows.pooled(path.pooling).parts[0].feature_bytes
        if not head.streams and head.memory(size, 0) > budget.size:
            raise UsageError(
                f"a model of {path} has to hold {show_size(head.memory(size, 0))}, and "
                f"{show_size(budget.size)} ({budget.reason}) are allowed; raise --memory, leave "
                "out --model, or search without it"
            )
