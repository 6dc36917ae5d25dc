"""How large the columns of a Parquet file are, asked of its footer by a process of its own.

Arrow ends the process that asks a damaged footer for a column. `python -m
pipelines.images.column_sizes` takes a footer on stdin and prints a line of JSON.
"""

import json
import subprocess
import sys

import pyarrow as pa
from pyarrow import parquet

from pipelines.system.own_python import python_module, with_our_path
from pipelines.untrusted import value_from_json

MAGIC = b"PAR1"
SECONDS = 120.0


def column_sizes(content: bytes) -> list[tuple[str, int]]:
    """Name, of the outermost field, and unpacked bytes of every column in every row group.

    Args:
        content: a Parquet file whose footer Arrow could read.

    Raises:
        ValueError: its footer is damaged.
    """
    length = int.from_bytes(content[-8:-4], "little")
    asking = subprocess.Popen(
        python_module("pipelines.images.column_sizes"),
        env=with_our_path(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with asking:
        try:
            said, _ = asking.communicate(MAGIC + content[-8 - length :], SECONDS)
        finally:
            asking.kill()
    if asking.returncode != 0:
        raise ValueError("its footer is damaged")
    return value_from_json(said, list[tuple[str, int]])


def _sizes(footer: bytes) -> list[tuple[str, int]]:
    metadata = parquet.read_metadata(pa.BufferReader(footer))
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    columns = (group.column(number) for group in groups for number in range(group.num_columns))
    return [
        (each.path_in_schema.partition(".")[0], each.total_uncompressed_size) for each in columns
    ]


if __name__ == "__main__":
    print(json.dumps(_sizes(sys.stdin.buffer.read())))
