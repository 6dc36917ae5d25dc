"""What an existing table learns, in a version of its own before the first rows that need it.

Between the two versions the table is whole: it may hold what it does not hold yet.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from deltalake import CommitProperties, DeltaTable, Field
from deltalake.exceptions import DeltaError

from pipelines.errors import CommitRefusedError
from pipelines.stores.delta_readers import said_by_delta
from pipelines.table.change import TableMovedError, TableState
from pipelines.table.schema import AUGMENTATION_KEY, RUN_KEY, optional_schema
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


def add_columns(state: TableState, run: str, names: Collection[str]) -> TableState:
    """Give a table some of `OPTIONAL`, which are null in all rows that it has; see `name_policy`.

    Args:
        state: the table.
        run: id of the run.
        names: the columns.

    Returns:
        The table after that commit.

    Raises:
        TableMovedError, CommitRefusedError: see `name_policy`.
    """
    wanted = optional_schema(names)

    def add(table: DeltaTable, commit: CommitProperties) -> None:
        columns = [Field.from_arrow(field) for field in wanted]
        table.alter.add_columns(columns, commit_properties=commit)

    what = (
        f"add a column of {' and of '.join(f'{name}s'.replace('ss', 's') for name in wanted.names)}"
    )
    state = replace(state, optional=state.optional | {*wanted.names})
    return _evolved(state, run, what, add)


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
