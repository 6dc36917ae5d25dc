from pathlib import Path

from pipelines.bases import WeightsRequest
from pipelines.contract import Contract
from pipelines.engines.request import EngineRequest
from pipelines.records import ImageRef, Shard
from pipelines.shards.finished_shards import FinishedShards
from pipelines.shards.shard import Target

RUN = "20260101T000000000-0123abcd"


def target(table: Path) -> Target:
    contract = Contract(
        *("VGG16", "0" * 64, 32, "bilinear", "ignored", "imagenet"),
        *("block5_pool", "none", "float32", "float32"),
    )
    return Target(
        RUN, str(table), EngineRequest(contract, WeightsRequest("random"), 8, 1, "keras"), (512,)
    )


def shard(name: str, images: int) -> Shard:
    refs = [ImageRef(f"{name}/{n}", "", None, "train", 1, 0, 0) for n in range(images)]
    return Shard(name, "train", tuple(refs))


def write(table: Path, name: str, whole: bool) -> Path:
    path = table / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PAR1 rows " + (b"PAR1" if whole else b"more"))
    return path


def test_a_shard_counts_once_when_its_file_is_whole(tmp_path):
    shards = [shard("000000", 8), shard("000001", 5)]
    progress = FinishedShards({0: target(tmp_path)}, shards)
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
