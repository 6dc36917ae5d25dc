"""What a table's log says of its data files, without opening one."""

from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """A data file as the log has it.

    Attributes:
        path: inside the table's folder.
        size: in bytes.
        rows: how many; None where its writer kept no statistics.
        least_split, greatest_split: bounds of its rows' splits; None without statistics. Those of
            long names may be cut short by another writer, and are bounds all the same.
    """

    path: str
    size: int
    rows: int | None
    least_split: str | None
    greatest_split: str | None

    @property
    def only_split(self) -> str | None:
        """The split of all its rows; None where the log does not say that they are of one."""
        return self.least_split if self.least_split == self.greatest_split else None


def logged_files(delta: DeltaTable) -> tuple[LoggedFile, ...]:
    """The data files of a version, ascending by path."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    names = ("path", "size_bytes", "num_records", "min.split", "max.split")
    # A column is missing where no file has it.
    nothing = pa.nulls(actions.num_rows)
    columns = [actions[n] if n in actions.column_names else nothing for n in names]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return tuple(sorted((LoggedFile(*row) for row in rows), key=lambda file: file.path))
