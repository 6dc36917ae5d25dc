from pathlib import Path

from pipelines.records import ImageRef, Shard
from pipelines.shards.finished_shards import FinishedShards

RUN = "20260101T000000000-0123abcd"


def shard(name: str, images: int) -> Shard:
    refs = [ImageRef(f"{name}/{n}", "", None, "train", 1, 0, 0) for n in range(images)]
    return Shard(name, "train", tuple(refs))


def write(table: Path, name: str, whole: bool) -> Path:
    path = table / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PAR1 rows " + (b"PAR1" if whole else b"more"))
    return path


def test_a_shard_counts_once_when_its_file_is_whole(tmp_path):
    progress = FinishedShards(str(tmp_path), RUN, [shard("000000", 8), shard("000001", 5)])
    assert progress.poll() == (0, 0)
    growing = write(tmp_path, f"{RUN}-000000-aaaaaaaa.parquet", whole=False)
    assert progress.poll() == (0, 0)
    growing.write_bytes(b"PAR1 rows, all of them PAR1")
    assert progress.poll() == (8, 0)
    write(tmp_path, f"{RUN}-000000-bbbbbbbb.parquet", whole=True)  # a second attempt
    write(tmp_path, "20260101T000000000-ffffffff-000001-cccccccc.parquet", whole=True)  # not ours
    write(tmp_path, "part-00000-of-somebody.parquet", whole=True)
    assert progress.poll() == (0, 0)
    write(tmp_path, f"{RUN}-000001-dddddddd.parquet", whole=True)
    assert progress.poll() == (5, 0)
