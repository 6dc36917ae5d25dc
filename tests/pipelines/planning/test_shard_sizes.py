"""Shards are bounded by bytes and by time, and every worker has several."""

import math
import shutil
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.race_results import Choice, Trial
from pipelines.planning.cutting import cut_shards, make_plan, rows_of_part, sort_inputs
from pipelines.planning.decision import decide
from pipelines.planning.preparing import prepare_run
from pipelines.planning.shard_sizes import SHARD_BYTES, ShardSizes, known_rate
from pipelines.planning.sizing.forecast import busiest
from pipelines.records import ImageRef
from pipelines.shards.beam_flags import workers_sharing
from pipelines.table.feature_table import FeatureTable
from tests.conftest import copy_table, write_image

VGG16, POOLED = 8192, 512


def rows(count, workers=1, length=POOLED, rate=68.0, batch=32, named=None):
    return ShardSizes(named, length, batch, rate).rows(count, workers)


def test_the_cats_and_dogs_of_the_readme_are_four_shards():
    assert rows(3999, length=VGG16) == 1024
    assert math.ceil(3999 / 1024) == 4


def test_pooled_features_make_no_shards_of_a_quarter_of_an_hour():
    """By bytes alone, a shard of pooled VGG16 was 16,384 rows: the whole input for one worker."""
    assert rows(5421) == 1376  # four shards
    assert rows(5421, workers=2, rate=34.0) == 704  # four each
    assert rows(5421, workers=8, rate=34.0) == 192
    # A million images, a minute each, and none less than the other workers have.
    assert rows(1_000_000) == 4064
    assert rows(1_000_000, rate=1.0) == 32


def test_little_work_is_not_cut_to_pieces():
    assert rows(100) == 128  # 1.5 seconds of work
    assert rows(600) == 160
    assert rows(20) == 128
    assert rows(88, batch=8, rate=None) == 32


def test_a_minute_is_guessed_where_nothing_is_known():
    assert rows(10**6, rate=None) == 960
    assert rows(10**6, rate=None, length=VGG16) == 960


def test_bytes_bound_what_is_fast_or_long():
    assert rows(10**6, length=VGG16, rate=5000.0) == 1024
    assert rows(10**6, length=VGG16, rate=5000.0, batch=20) == 1020
    assert rows(10**6, length=100_352, rate=5000.0) == 64
    assert rows(10**6, length=10_000_000, rate=5000.0) == 32


def test_the_user_s_own_size_decides_alone():
    assert rows(10**6, named=7) == 7
    assert rows(3, workers=50, named=16384) == 16384


sizes = st.builds(
    ShardSizes,
    named=st.none(),
    feature_length=st.integers(1, 10**7),
    batch_size=st.integers(1, 256),
    images_per_second=st.none() | st.floats(0.01, 10_000.0),
)
counts = st.integers(1, 10**7)
workers = st.integers(1, 200)


@given(sizes, counts, workers)
def test_the_bounds_hold(size, count, among):
    batch = size.batch_size
    found = size.rows(count, among)
    assert found % batch == 0
    assert found == batch or found * size.feature_length * 4 <= SHARD_BYTES
    rate = size.images_per_second or 16.0
    assert found == batch or found <= 60.0 * rate
    # No more than a quarter of a worker's share, but for whole batches and two seconds of work.
    assert found < count / (4 * among) + batch or found <= max(batch, 2.0 * rate)


@given(sizes, counts, st.integers(1, 60))
def test_no_worker_is_left_with_more_when_there_are_more_workers(size, count, among):
    few, many = (busiest(count, size.rows(count, n), n) for n in (among, among + 1))
    assert many <= few


images = st.builds(
    lambda name, split: ImageRef(name, f"/{name}", None, split, 1, 0, 0),
    st.text(max_size=3),
    st.sampled_from(["train", "validation", "test"]),
)


@given(
    st.lists(images, unique_by=lambda ref: ref.image_id, max_size=60),
    st.integers(0, 3),
    st.none() | st.integers(1, 20),
    st.integers(1, 5),
)
def test_every_row_is_in_one_shard_and_copies_stay_together(refs, copies, part, among):
    wanted = [replace(ref, copy=n) for ref in refs for n in range(copies + 1)]
    todo = sort_inputs(wanted, frozenset(), frozenset(), frozenset())
    most = ShardSizes(None, 4, 4, 1.0).rows(rows_of_part(todo.new, part), among)
    plan = make_plan(todo, most, part)
    assert Counter(r for shard in plan.shards for r in shard.refs) == Counter(wanted)
    places = Counter(name for shard in plan.shards for name in {r.image_id for r in shard.refs})
    assert all(count == 1 for count in places.values())
    assert all(len(shard.refs) <= max(most, copies + 1) for shard in plan.shards)


def test_the_rows_of_a_part_are_those_that_are_cut():
    refs = [ImageRef(f"{i:03d}", "/", None, "train", 1, 0, 0) for i in range(100)]
    assert rows_of_part(refs, None) == 100
    assert rows_of_part(refs, 30) == 25
    assert rows_of_part([], 30) == 0
    todo = sort_inputs(refs, frozenset(), frozenset(), frozenset())
    assert [len(part) for part in make_plan(todo, 25, 30).parts] == [1, 1, 1, 1]
    assert [one.name < two.name for one, two in pairwise(cut_shards(refs, 9))] == [True] * 11


class _Table:
    """What `known_rate` wants of a table."""

    def __init__(self, *runs):
        self._runs = runs

    def history(self):
        return [{"run": run} for run in self._runs]


def run(engine, rate):
    return {"engine": engine, "images_per_second": rate}


def test_the_last_run_of_the_engine_knows_best_then_the_race():
    trials = (Trial("keras", 40.0, 0.0, None), Trial("ncnn", 67.0, 1e-6, None))
    choice = Choice("ncnn", "the fastest of a race", trials)
    unraced = Choice("ncnn", "as named by --engine")
    assert known_rate(None, choice) == 67.0
    assert known_rate(None, unraced) is None
    table = _Table(
        *(None, run("keras", 30.0), run("ncnn", None), {"run": "of old", "engine": "ncnn"}),
        *(run("ncnn", 55.5), run("ncnn", 60.0)),
    )
    assert known_rate(table, choice) == known_rate(table, unraced) == 55.5
    assert known_rate(_Table(run("keras", 30.0)), choice) == 67.0


@pytest.mark.parametrize(
    ("flags", "workers"),
    [
        ([], 1),
        (["--direct_num_workers=3"], 1),
        (["--direct_num_workers=3", "--direct_running_mode=multi_processing"], 3),
        (["--direct_num_workers", "3", "--direct_running_mode", "multi_threading"], 3),
        (["--runner=FlinkRunner", "--parallelism=6"], 6),
        (["--runner", "FlinkRunner"], 1),
        (["--runner=FlinkRunner", "--parallelism=-1"], 1),
        (["--runner=DataflowRunner", "--num_workers=2", "--max_num_workers=9"], 9),
        (["--parallelism=6"], 1),  # of no meaning to the embedded runner
    ],
)
def test_workers_are_counted_by_beam_s_options(flags, workers):
    assert workers_sharing(flags) == workers


def test_a_run_cuts_by_the_rate_of_the_last_one(dataset, table, make_job, tmp_path, monkeypatch):
    """Forty new images at four a second: a batch of 8 is two seconds of work."""
    shutil.copytree(dataset, tmp_path / "images")
    copy_table(table, tmp_path / "features")
    for seed in range(40):
        write_image(tmp_path / f"images/train/dark/new{seed}.png", seed=seed)
    monkeypatch.setattr(FeatureTable, "history", lambda self: [{"run": run("keras", 4.0)}])
    job = make_job(tmp_path / "images", tmp_path / "features", engine="keras")
    two = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")

    def shards(**changes):
        started = prepare_run(replace(job, **changes))
        decision = decide(started, started.look())
        return [[len(shard.refs) for shard in part] for part in decision.plan.parts]

    assert shards() == [[16, 16, 8]]
    assert shards(beam_flags=two) == [[8, 8, 8, 8, 8]]
    assert shards(commit_every=20) == [[8, 8, 4], [8, 8, 4]]
    assert shards(shard_rows=30) == [[30, 10]]
