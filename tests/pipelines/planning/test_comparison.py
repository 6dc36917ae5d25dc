"""What became of inputs since their rows were written: whose rows need no second look."""

import hashlib

import pytest

from pipelines.images.hashing import ContentHashes
from pipelines.planning.comparison import compare
from pipelines.records import ImageRef
from pipelines.table.names import new_run_id
from pipelines.table.stored import StoredImage

RUN = "20260101T000000000-aaaaaaaa"
FOREIGN = "part-00000-1234-c000.zstd.parquet"
NOW = b"the bytes of today"


def compared(path: str, run: str | None):
    """An image whose row, in this file, was made from other bytes; and what had to be read."""
    read = []

    def look(uri: str) -> str:
        read.append(uri)
        return hashlib.sha256(NOW).hexdigest()

    ref = ImageRef("a.jpg", "/images/a.jpg", "cat", "train", len(NOW), 5, 5)
    sha256 = hashlib.sha256(b"the bytes of yesterday").hexdigest()
    row = StoredImage(path, ref.uri, ref.label, ref.split, sha256, len(NOW), 4)
    return compare({"a.jpg": ref}, {"a.jpg": row}, ContentHashes(look), run), read


@pytest.mark.parametrize("run", [None, "", RUN])
@pytest.mark.parametrize("path", [FOREIGN, f"data/{FOREIGN}", "data/train-00001.parquet"])
def test_a_foreign_file_is_no_run_s_own(path, run):
    found, read = compared(path, run)
    assert (found.changed, found.same) == ({"a.jpg"}, frozenset())
    assert read == ["/images/a.jpg"]


def test_a_row_that_the_run_wrote_is_right_and_another_run_s_is_looked_at():
    path = f"data/{RUN}-000000-bbbbbbbb.parquet"
    found, read = compared(path, RUN)
    assert (found.same, read) == ({"a.jpg"}, [])
    for run in (None, new_run_id()):
        found, read = compared(path, run)
        assert (found.changed, read) == ({"a.jpg"}, ["/images/a.jpg"])
