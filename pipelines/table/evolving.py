"""What an existing table learns, in a version of its own before the first rows that need it.

Between the two versions the table is whole: it may hold what it does not hold yet.
"""

from collections.abc import Callable
from dataclasses import replace

from deltalake import CommitProperties, DeltaTable, Field
from deltalake.exceptions import DeltaError
from deltalake.schema import PrimitiveType

from pipelines.errors import CommitRefusedError
from pipelines.stores.delta_readers import said_by_delta
from pipelines.table.gate import TableMovedError, TableState
from pipelines.table.schema import AUGMENTATION_KEY, GROUP, GROUP_FIELD, RUN_KEY
from pipelines.table.storage import delta_errors, open_delta


def name_policy(state: TableState, run: str) -> TableState:
    """Commit the policy by which copies are to be made, to a table that never held any.

    Args:
        state: the table, with the policy wanted.
        run: id of the run.

    Returns:
        The table after that commit.

    Raises:
        TableMovedError: another run committed in between.
        CommitRefusedError: the table cannot be written.
    """
    policy = state.augmentation
    if policy is None:
        raise ValueError("there is no policy to name")

    def name(table: DeltaTable, commit: CommitProperties) -> None:
        table.alter.set_table_properties(
            {AUGMENTATION_KEY: policy.canonical_json()},
            raise_if_not_exists=False,
            commit_properties=commit,
        )

    return _evolved(state, run, "name the policy of its copies", name)


def add_groups(state: TableState, run: str) -> TableState:
    """Give a table `GROUP_FIELD`, which is null in all rows that it has; see `name_policy`."""

    def add(table: DeltaTable, commit: CommitProperties) -> None:
        mark = {key.decode(): value.decode() for key, value in GROUP_FIELD.metadata.items()}
        column = Field(GROUP, PrimitiveType("string"), nullable=True, metadata=mark)
        table.alter.add_columns([column], commit_properties=commit)

    return _evolved(state, run, "add a column of groups", add)


def _evolved(
    state: TableState, run: str, what: str, change: Callable[[DeltaTable, CommitProperties], None]
) -> TableState:
    if state.version is None:
        raise ValueError("a table that does not exist yet is created as it is to be")
    with delta_errors(state.uri, "open"):
        table = open_delta(state.uri, state.version)
    record = {RUN_KEY: {"run": run, "what": what}}
    try:
        change(table, CommitProperties(custom_metadata=record, max_commit_retries=0))
    except (DeltaError, OSError) as error:
        with delta_errors(state.uri, "look at"):
            moved = open_delta(state.uri).version() > state.version
        if moved:
            raise TableMovedError(f"another run committed to {state.uri}") from error
        raise CommitRefusedError(f"cannot commit to {state.uri}: {said_by_delta(error)}") from error
    if table.version() != state.version + 1:
        raise TableMovedError(f"another run committed to {state.uri}")
    return replace(state, version=state.version + 1)
