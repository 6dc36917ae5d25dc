"""Progress of a run whose workers are elsewhere, told by the files that they finish."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.fs as pafs

from pipelines.records import Shard
from pipelines.shards.shard import Target
from pipelines.table.names import run_of_path, shard_of_path
from pipelines.table.schema import DATA_FOLDER
from pipelines.table.storage import open_storage

POLL_SECONDS = 5.0
"""How often the folder is listed."""

_END_OF_PARQUET = b"PAR1"


class FinishedShards:
    """Counts the images of shards whose files are finished; a second attempt counts once."""

    def __init__(self, targets: Mapping[int, Target], shards: Sequence[Shard]) -> None:
        """Watch the folders of a run's tables, for a shard that of the table it writes last.

        Args:
            targets: the tables, by the places that shards know.
            shards: what is extracted.
        """
        last = dict.fromkeys(shard.tables[-1] for shard in shards)
        self._folders = [
            _Folder(targets[table], [each for each in shards if each.tables[-1] == table])
            for table in last
        ]

    def poll(self) -> tuple[int, int]:
        """Images of shards finished since the last call; failures show at the end only."""
        return sum(folder.poll() for folder in self._folders), 0


class _Folder:
    """A table's folder, in which one run's files appear."""

    def __init__(self, target: Target, shards: Sequence[Shard]) -> None:
        self._storage, self._run = open_storage(target.table), target.run
        self._left = {shard.name: len(shard.refs) for shard in shards}

    def poll(self) -> int:
        try:
            return sum(self._left.pop(name, 0) for name in self._finished())
        except OSError:  # a folder that does not answer just now
            return 0

    def _finished(self) -> list[str]:
        selector = pafs.FileSelector(DATA_FOLDER, allow_not_found=True)
        named = [(shard_of_path(info.path), info) for info in self._storage.get_file_info(selector)]
        return [
            name
            for name, info in named
            if name in self._left
            and run_of_path(info.path) == self._run
            and self._is_whole(info.path, info.size)
        ]

    def _is_whole(self, path: str, size: int) -> bool:
        if size < 2 * len(_END_OF_PARQUET):
            return False
        try:
            with self._storage.open_input_file(path) as file:
                return bool(file.read_at(4, size - 4) == _END_OF_PARQUET)
        except (OSError, pa.ArrowException):  # an abandoned attempt, gone meanwhile
            return False
