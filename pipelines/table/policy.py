"""Naming, in a table that never held copies, the policy by which its copies are to be made."""

from dataclasses import replace

from deltalake import CommitProperties
from deltalake.exceptions import DeltaError

from pipelines.errors import CommitRefusedError
from pipelines.table.gate import TableMovedError, TableState
from pipelines.table.schema import AUGMENTATION_KEY, RUN_KEY
from pipelines.table.storage import delta_errors, open_delta


def name_policy(state: TableState, run: str) -> TableState:
    """Commit a policy to an existing table, in a version of its own before the first copies.

    Between the two versions the table is whole: it has a policy and no copies yet.

    Args:
        state: the table, with the policy wanted.
        run: id of the run.

    Returns:
        The table after that commit.

    Raises:
        TableMovedError: another run committed in between.
        CommitRefusedError: the table cannot be written.
    """
    if state.version is None or state.augmentation is None:
        raise ValueError("a table that does not exist yet is created with its policy")
    with delta_errors(state.uri, "open"):
        table = open_delta(state.uri, state.version)
    record = {"run": run, "what": "name the policy of its copies"}
    try:
        table.alter.set_table_properties(
            {AUGMENTATION_KEY: state.augmentation.canonical_json()},
            raise_if_not_exists=False,
            commit_properties=CommitProperties(
                custom_metadata={RUN_KEY: record}, max_commit_retries=0
            ),
        )
    except (DeltaError, OSError) as error:
        with delta_errors(state.uri, "look at"):
            moved = open_delta(state.uri).version() > state.version
        if moved:
            raise TableMovedError(f"another run committed to {state.uri}") from error
        raise CommitRefusedError(f"cannot commit to {state.uri}: {error}") from error
    if table.version() != state.version + 1:
        raise TableMovedError(f"another run committed to {state.uri}")
    return replace(state, version=state.version + 1)
