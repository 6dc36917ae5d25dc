"""What workers that were lost had finished of a run: its files are there, their job is not.

Flink restarts a batch job as a whole when it loses a worker, with every shard it ever had.
"""

import contextlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import pyarrow.fs as pafs

from pipelines.errors import TableError
from pipelines.records import Shard
from pipelines.shards.shard import Target
from pipelines.table.names import is_of_run, shard_of_path
from pipelines.table.receipts import read_receipt
from pipelines.table.schema import DATA_FOLDER
from pipelines.table.storage import open_storage, plain_files


class EarlierAttempts:
    """The files of a run at one moment; a worker looks when it is given work."""

    def __init__(self, targets: Mapping[int, Target]) -> None:
        """List the tables' folders.

        A folder that cannot be listed just now holds nothing: at worst work is done twice.

        Args:
            targets: the tables of the run, by the places that shards know.
        """
        self._found = {place: _Attempts(target) for place, target in targets.items()}

    def left_of(self, shard: Shard) -> Shard | None:
        """The shard for the tables that have no finished file of it; None if all have one."""
        tables = tuple(table for table in shard.tables if not self._found[table].finished(shard))
        return replace(shard, tables=tables) if tables else None


class _Attempts:
    """One table's files of the run, by shard, finished or not."""

    def __init__(self, target: Target) -> None:
        self._storage: pafs.FileSystem = open_storage(target.table)
        self._paths: dict[str, list[str]] = defaultdict(list)
        with contextlib.suppress(OSError):
            for path in plain_files(self._storage, DATA_FOLDER):
                if is_of_run(path, target.run):
                    self._paths[shard_of_path(path)].append(path)

    def finished(self, shard: Shard) -> bool:
        return any(self._accounts(path, shard) for path in self._paths.get(shard.name, ()))

    def _accounts(self, path: str, shard: Shard) -> bool:
        """Whether a file tells of every image of the shard, as the commit will want it to."""
        try:
            receipt = read_receipt(self._storage, path)
        except (TableError, OSError):  # an attempt that was broken off
            return False
        return receipt is not None and receipt.rows + len(receipt.failures) == len(shard.refs)
