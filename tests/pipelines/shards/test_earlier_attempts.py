"""A worker that is given shards again leaves those that an earlier attempt had finished."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.records import ImageRef, Shard
from pipelines.shards.earlier_attempts import EarlierAttempts
from pipelines.shards.shard import ShardJob
from pipelines.shards.transforms import _ExtractShard
from tests.conftest import write_image
from tests.pipelines.shards.test_finished_shards import target

OTHER_RUN = "20260101T000000000-ffffffff"


class MeanColour:
    name, feature_shape, batch_size = "keras", (3,), 2

    def extract(self, images):
        return images.mean(axis=(1, 2), dtype=np.float32)


@pytest.fixture
def extract(tmp_path, monkeypatch):
    """A worker's attempt at shards: the tables' places of what it wrote."""
    monkeypatch.setattr("pipelines.shards.transforms.open_engine", lambda _: MeanColour())
    one, other = (target(tmp_path / f"table-{place}") for place in (0, 1))
    targets = {0: one, 1: replace(other, engine=replace(other.engine, batch_size=4))}

    def attempt(*shards: Shard) -> list[tuple[str, int]]:
        worker = _ExtractShard(ShardJob(targets, 1, None, one_pass=False))
        worker.start_bundle()
        results = [result for shard in shards for result in worker.process(shard)]
        return [(result.receipt.shard, result.table) for result in results]

    return attempt


@pytest.fixture
def shards(tmp_path) -> list[Shard]:
    """Two shards of three images, the last of which is none."""
    made = []
    for name in ("000000", "000001"):
        paths = [write_image(tmp_path / f"{name}-{n}.png", seed=n) for n in range(3)]
        paths[2].write_bytes(b"no image")
        refs = (ImageRef(p.name, str(p), None, "train", p.stat().st_size, 0, 0) for p in paths)
        made.append(Shard(name, "train", tuple(refs), (0, 1)))
    return made


def files(root: Path, place: int) -> list[Path]:
    return sorted((root / f"table-{place}" / "data").iterdir())


def test_only_what_is_not_finished_is_done_again(extract, shards, tmp_path):
    first, second = shards
    assert extract(first) == [("000000", 0), ("000000", 1)]
    assert extract(first, second) == [("000001", 0), ("000001", 1)]
    assert extract(first, second) == []
    lost, kept = files(tmp_path, 1)
    rows = pq.read_table(lost)
    lost.unlink()
    assert extract(first, second) == [("000000", 1)]
    again, still = files(tmp_path, 1)
    assert (again != lost, still) == (True, kept)
    assert pq.read_table(again).equals(rows)


def test_a_file_counts_if_it_is_whole_of_this_run_and_of_these_images(extract, shards, tmp_path):
    first, _ = shards
    both = [("000000", 0), ("000000", 1)]
    extract(first)
    for place in (0, 1):
        (path,) = files(tmp_path, place)
        path.write_bytes(path.read_bytes()[:-100])
    assert extract(first) == both
    for place in (0, 1):
        for path in files(tmp_path, place):
            run = path.name[: len(OTHER_RUN)]
            path.rename(path.with_name(path.name.replace(run, OTHER_RUN)))
    assert extract(first) == both
    assert extract(replace(first, refs=first.refs[:2])) == both


def test_a_folder_that_does_not_answer_holds_nothing(extract, shards, monkeypatch):
    extract(*shards)

    def fail(*_):
        raise OSError("the store does not answer")

    monkeypatch.setattr("pipelines.shards.earlier_attempts.plain_files", fail)
    assert len(extract(*shards)) == 4


def test_the_embedded_runner_s_workers_do_not_look(shards, tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr("pipelines.shards.transforms.EarlierAttempts", looked.append)
    for progress in (object(), None):
        _ExtractShard(ShardJob({}, 1, progress)).start_bundle()
    assert looked == [{}]
    assert EarlierAttempts({0: target(tmp_path)}).left_of(replace(shards[0], tables=(0,)))
