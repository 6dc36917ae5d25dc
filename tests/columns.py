"""Files with images in a column, as others write them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc, parquet

SPARK_IMAGE = pa.struct(
    [
        *[pa.field("origin", pa.string()), pa.field("height", pa.int32())],
        *[pa.field("width", pa.int32()), pa.field("nChannels", pa.int32())],
        *[pa.field("mode", pa.int32()), pa.field("data", pa.binary())],
    ]
)


def hugging_face(
    images: Sequence[tuple[str | None, bytes | None]], labels: Sequence[int], names: Sequence[str]
) -> pa.Table:
    """A table as `datasets` makes it: structs of bytes and path, labels by number."""
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(names), "_type": "ClassLabel"},
    }
    table = pa.table(
        {
            "image": pa.array(
                [{"bytes": content, "path": path} for path, content in images],
                pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())]),
            ),
            "label": pa.array(labels, pa.int64()),
        }
    )
    said = json.dumps({"info": {"features": features}})
    return table.replace_schema_metadata({"huggingface": said})


def binary_file(images: Mapping[str, bytes]) -> pa.Table:
    """A table in the schema of Spark's source `binaryFile`."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return pa.table(
        {
            "path": pa.array(images.keys(), pa.string()),
            "modificationTime": pa.array([now] * len(images), pa.timestamp("us", "UTC")),
            "length": pa.array(map(len, images.values()), pa.int64()),
            "content": pa.array(images.values(), pa.binary()),
        }
    )


def write(table: pa.Table, path: Path, rows: int = 4) -> Path:
    """Write a table, so many rows a group or batch, in the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=rows, write_page_checksum=True)
        return path
    # `datasets` keeps streams, Feather is a file.
    start = ipc.new_file if path.suffix == ".feather" else ipc.new_stream
    with start(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path
