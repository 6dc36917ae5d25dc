"""Rows that a table holds more than once, as another program may have appended them."""

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cli import few, log
from pipelines.errors import TableError
from pipelines.records import row_name, shown_name

NAMED = 3
"""Rows that a message names."""


def double_rows(keys: pa.Table) -> list[tuple[str, int]]:
    """Names of the rows that are there more than once, ascending, and how often.

    Args:
        keys: columns `image_id` and `copy` of all rows.
    """
    columns = ["image_id", "copy"]
    counts = keys.select(columns).group_by(columns).aggregate([([], "count_all")])
    double = counts.filter(pc.greater(counts["count_all"], 1)).to_pylist()
    return sorted((row_name(each["image_id"], each["copy"]), each["count_all"]) for each in double)


def tell_doubles(uri: str, keys: pa.Table) -> None:
    """Tell on stderr of rows that are used more than once.

    Args:
        uri: the table's.
        keys: columns `image_id` and `copy`, sorted by them.
    """
    one, next_one = keys.slice(0, max(0, keys.num_rows - 1)), keys.slice(1)
    same = [pc.equal(one[name], next_one[name]) for name in ("image_id", "copy")]
    if double := pc.sum(pc.and_(*same)).as_py():
        log(f"{uri} holds {double} rows more than once, and they count as often; verify names them")


def require_single(uri: str, keys: pa.Table) -> None:
    """Refuse a table that holds rows more than once, into which nothing can be committed.

    Args:
        uri: the table's, for the complaint.
        keys: columns `image_id` and `copy` of all its rows.

    Raises:
        TableError: it does.
    """
    if double := double_rows(keys):
        names = few([shown_name(name) for name, _ in double], NAMED)
        raise TableError(
            f"{len(double)} rows stand in {uri} more than once ({names}): another program appended "
            "them; restore a version from before that with Delta's own restore, or delete these "
            "images with pipelines.forget, and the next extraction brings them back once"
        )
