"""Several tables in one run: each as if it were alone, and each image read once for all of them."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import frozen_features as ff
from pipelines import driver
from pipelines.bases.cutting import IN_ONE_PASS
from pipelines.commits.settlement import Settlement
from pipelines.commits.spending import Spending, shares_of
from pipelines.contract import ONNX_FILE
from pipelines.driver import extract
from pipelines.engines.bottleneck import BaseClock, Waits
from pipelines.errors import CommitRefusedError, EngineError, UsageError
from pipelines.extract import main, make_job, make_parser
from pipelines.images import loading
from pipelines.plan import main as plan_main
from pipelines.planning.job import Destination
from pipelines.planning.sharing import share_work
from pipelines.records import ImageRef
from pipelines.shards.counters import Counted
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from tests.conftest import TINY, write_image
from tests.pipelines.engines.test_bottleneck import Hands

AVERAGES = replace(TINY, layer="block4_pool", pooling="avg")
LARGER = replace(TINY, image_size=48, pooling="max")


def rows_of(table) -> pa.Table:
    """All rows, in an order of their own."""
    return FeatureTable.open(str(table)).dataset().to_table().sort_by("image_id")


@pytest.fixture
def images(dataset, tmp_path) -> Path:
    """Twenty images of the dataset, of which one is none."""
    shutil.copytree(dataset / "test", tmp_path / "images/test")
    (tmp_path / "images/test/dark/bad.png").write_bytes(b"no image")
    return tmp_path / "images"


@pytest.fixture
def job(images, make_job, tmp_path):
    """Three tables of three contracts; the first two take the same pixels."""
    also = (
        Destination(str(tmp_path / "averages"), AVERAGES),
        Destination(str(tmp_path / "larger"), LARGER),
    )
    return make_job(images, tmp_path / "first", also=also, shard_rows=8, engine="keras")


@pytest.fixture
def reads(monkeypatch) -> Counter[tuple[str, str]]:
    """How often each image was read, and decoded at a size, while shards were extracted."""
    counts: Counter[tuple[str, str]] = Counter()
    read, decode = loading.read_bytes, loading.decode_image
    names: dict[bytes, str] = {}

    def reading(uri, most):
        data = read(uri, most)
        names[data] = Path(uri).name
        counts[names[data], "read"] += 1
        return data

    def decoding(data, pixels):
        counts[names[data], f"decoded at {pixels.size}"] += 1
        return decode(data, pixels)

    def from_here(*arguments):
        counts.clear()  # of what was looked at before: whether any image can be used
        return run_shards(*arguments)

    run_shards = driver.run_shards
    monkeypatch.setattr(driver, "run_shards", from_here)
    monkeypatch.setattr(loading, "read_bytes", reading)
    monkeypatch.setattr(loading, "decode_image", decoding)
    return counts


@pytest.mark.acceptance
def test_each_table_is_what_a_run_of_its_own_makes(job, tmp_path):
    report = extract(job)
    reports = (report, *report.also)
    names = ("first", "averages", "larger")
    assert [each.table for each in reports] == [str(tmp_path / name) for name in names]
    assert report.version == 1
    for found, alone in zip(reports, job.by_table(), strict=True):
        own = replace(alone, table=f"{alone.table} alone")
        expected = extract(own)
        assert rows_of(alone.table).num_rows == 20
        assert rows_of(alone.table).equals(rows_of(own.table))
        assert (found.counts, found.contract) == (expected.counts, expected.contract)
        assert [f.ref.name for f in found.failures] == ["test/dark/bad.png"]
        (one,), (other,) = (read_failures(job.table).to_pylist() for job in (alone, own))
        assert (one["image_id"], one["message"]) == (other["image_id"], other["message"])


def test_an_image_is_read_once_and_decoded_once_a_size(job, reads):
    extract(job)
    names = {name for name, _ in reads}
    assert len(names) == 21
    for what in ("read", "decoded at 32", "decoded at 48"):
        assert {reads[name, what] for name in names} == {1}


@pytest.mark.acceptance
def test_an_engine_that_takes_no_several_layers_has_a_pass_for_each(job, monkeypatch, capsys):
    opened = driver.open_engine

    def opens(request):
        if IN_ONE_PASS in request.contract.layer:
            raise EngineError("it has one end")
        return opened(request)

    monkeypatch.setattr(driver, "open_engine", opens)
    extract(replace(job, also=job.also[:1]))
    assert "each layer has a pass of its own: it has one end" in capsys.readouterr().err
    monkeypatch.undo()
    for each in job.by_table()[:2]:
        own = replace(each, table=f"{each.table} alone")
        extract(own)
        assert rows_of(each.table).equals(rows_of(own.table))


def test_a_table_that_has_everything_is_passed_over(job, reads, tmp_path):
    extract(job.by_table()[0])
    reads.clear()
    report = extract(replace(job, also=job.also[:1]))
    assert (report.version, report.attempted, report.extract_seconds) == (1, 0, 0.0)
    assert report.also[0].counts["written"] == 20
    assert reads["dark005.png", "read"] == 1
    reads.clear()
    again = extract(replace(job, also=job.also[:1]))
    assert [each.version for each in (again, *again.also)] == [1, 1]
    assert not reads


@pytest.mark.acceptance
def test_an_image_is_extracted_for_the_tables_that_lack_it(job, images, reads, tmp_path):
    light = images / "test/light"
    aside = shutil.move(light, tmp_path / "aside")
    extract(job.by_table()[0])
    shutil.move(aside, light)
    write_image(images / "test/dark/dark001.png", seed=77)  # changed
    reads.clear()
    report = extract(replace(job, also=job.also[:1]))
    assert (report.attempted, report.also[0].attempted) == (11, 21)
    assert (report.counts["replaced"], report.also[0].counts["written"]) == (1, 20)
    for name in ("light003.png", "dark005.png"):  # wanted by both, and by one
        assert reads[name, "read"] == 1
    for each in job.by_table()[:2]:
        own = replace(each, table=f"{each.table} alone")
        extract(own)
        assert rows_of(each.table).equals(rows_of(own.table))
        shards = {path.split("-")[2] for path in FeatureTable.open(each.table).paths}
        assert len(shards) > 1


def test_what_one_table_has_committed_is_not_done_again_for_another(job, monkeypatch):
    settle = Settlement.settle
    settled = []

    def dies(self, *rest):
        if settled:
            raise KeyboardInterrupt
        settled.append(settle(self, *rest))
        return settled[0]

    with monkeypatch.context() as patch:
        patch.setattr(Settlement, "settle", dies)
        with pytest.raises(KeyboardInterrupt):
            extract(job)
    tables = [each.table for each in job.by_table()]
    assert [FeatureTable.open_if_exists(table) is None for table in tables] == [False, True, True]
    monkeypatch.setattr("pipelines.driver.run_shards", lambda *_: pytest.fail("done again"))
    report = extract(job)
    assert [each.counts["written"] for each in (report, *report.also)] == [0, 20, 20]
    assert [each.counts["present"] for each in (report, *report.also)] == [20, 0, 0]


def test_what_one_table_refuses_keeps_no_other_from_its_commit(job, images, capsys):
    job = replace(job, also=job.also[:1])
    extract(job.by_table()[1])
    shutil.rmtree(images / "test/light")
    pruning = replace(job, prune=True, max_pruned=3)
    with pytest.raises(CommitRefusedError, match="--prune would remove 10 of 20 images"):
        extract(pruning)
    first, refused = job.by_table()
    assert rows_of(first.table).num_rows == 10
    assert FeatureTable.open(refused.table).version == 1
    report = extract(replace(pruning, max_pruned=10))
    assert (report.counts["present"], report.also[0].counts["pruned"]) == (10, 10)


@pytest.mark.acceptance
def test_worker_processes_that_take_layers_in_one_pass_make_the_same_tables(job):
    flags = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    job = replace(job, also=job.also[:1], engine="ncnn")
    report = extract(replace(job, beam_flags=flags))
    for found, alone in zip((report, *report.also), job.by_table(), strict=True):
        own = replace(alone, table=f"{alone.table} alone")
        extract(own)
        assert rows_of(alone.table).num_rows == found.counts["written"] == 20
        assert rows_of(alone.table).equals(rows_of(own.table))
        assert found.waits.base > 0


@pytest.mark.acceptance
def test_parts_are_committed_to_each_table_and_a_run_stops_for_all(job, monkeypatch):
    job = replace(job, commit_every=8, hours=1.0, price_per_hour=3.0, shard_rows=4)
    told = iter([True, False])
    with monkeypatch.context() as patch:
        patch.setattr(Spending, "allows", lambda *_: next(told))
        report = extract(job)
    reports = (report, *report.also)
    assert [(each.version, each.stopped) for each in reports] == [(2, True)] * 3
    assert [each.counts["waiting"] for each in reports] == [7] * 3
    assert {each.spent.images for each in reports} == {14}
    assert sum(each.spent.seconds for each in reports) == pytest.approx(report.seconds, rel=0.5)
    records = [FeatureTable.open(each.table).history()[0]["run"] for each in reports]
    money = [record["spent"]["money"] for record in records]
    seconds = [record["spent"]["seconds"] for record in records]
    assert money == pytest.approx([3.0 * each / 3600 for each in seconds], abs=2e-6)
    rest = extract(job)
    left = 7 - rest.counts["new_failures"]
    assert [each.counts["written"] for each in (rest, *rest.also)] == [left] * 3


names = st.integers(0, 30)


@given(st.lists(st.sets(names), min_size=1, max_size=4), st.integers(1, 7), st.integers(1, 12))
def test_work_is_shared_as_by_a_plain_loop(lacking, shard_rows, part_images):
    def ref(number):
        split = "train" if number % 3 else "test"
        return ImageRef(f"{number:02d}", f"/{number}", None, split, 1, 0, 0)

    lists = [[ref(number) for number in sorted(numbers)] for numbers in lacking]
    parts = share_work(lists, shard_rows, part_images)
    shards = [shard for part in parts for shard in part]
    assert [shard.name for shard in shards] == [f"{n:06d}" for n in range(len(shards))]
    found = {}
    for part in parts:
        assert len({each for shard in part for each in shard.refs}) <= part_images
        for shard in part:
            assert 1 <= len(shard.refs) <= shard_rows
            for each in shard.refs:
                assert each not in found
                assert each.split == shard.split
                found[each] = shard.tables
    expected = {}
    for number in range(31):
        tables = tuple(t for t, numbers in enumerate(lacking) if number in numbers)
        if tables:
            expected[ref(number)] = tables
    assert found == expected


def test_time_is_shared_out_by_what_bases_took():
    hands = Hands()
    clock = BaseClock(hands, bases=2)
    hands.time += 2  # nobody has a batch
    with clock.base(0):
        hands.time += 10
        with clock.base(1):
            hands.time += 4  # side by side
    with clock.base(1), clock.writing():
        hands.time += 20
    with clock.writing():
        hands.time += 6
    one, other = clock.read(0), clock.read(1)
    assert (one, other) == (Waits(12.0, 1.0, 3.0), Waits(22.0, 1.0, 3.0))
    counted = {0: Counted(one), 2: Counted(other)}
    assert shares_of(counted, 3) == pytest.approx([16 / 42, 0.0, 26 / 42])
    assert shares_of({}, 4) == [0.25] * 4
    assert shares_of({1: Counted()}, 2) == [0.0, 1.0]


OPTIONS = ["--weights", "random:1", "--image_size", "32", "--batch_size", "8", "--engine", "keras"]


def also_of(*more: str) -> tuple[Destination, ...]:
    arguments = ["--input", "i", "--table", "t", *OPTIONS, *more]
    return make_job(make_parser().parse_args(arguments), []).also


def test_what_the_option_says():
    shared = ("--layer", "block3_pool", "--pooling", "max", "--precision", "bfloat16")
    (plain, layered, averaged, last) = also_of(
        *shared,
        *("--also", "VGG16=one", "--also", "VGG19:block4_pool=s3://bucket/a=b"),
        *("--also", "VGG16:block4_pool:avg=two", "--also=VGG16::none=three"),
    )
    assert plain == Destination("one", replace(TINY, pooling="max", precision="bfloat16"))
    assert (layered.table, layered.features.base) == ("s3://bucket/a=b", "VGG19")
    assert (layered.features.layer, layered.features.pooling) == ("block4_pool", "max")
    assert (averaged.features.layer, averaged.features.pooling) == ("block4_pool", "avg")
    assert (last.features.layer, last.features.pooling) == (None, "none")


def test_a_file_s_tensors_may_have_colons(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("base.onnx").write_bytes(b"looked into later")
    (tensor,) = also_of("--also", "base.onnx:pool/MaxPool:0=one", "--preprocessing", "rescale")
    assert (tensor.features.base, tensor.features.layer) == (ONNX_FILE, "pool/MaxPool:0")
    (pooled,) = also_of("--also", "base.onnx:pool/MaxPool:0:avg=one", "--preprocessing", "rescale")
    assert (pooled.features.layer, pooled.features.pooling) == ("pool/MaxPool:0", "avg")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--also", "VGG16:block4_pool"], "say which features and into which table, as in"),
        (["--also", "=place"], "say which features and into which table"),
        (["--also", "VGG61=place"], "--also VGG61=place: there is no base 'VGG61'"),
        (["--also", "VGG16:block9=place"], "error: place: VGG16 has no layer 'block9'"),
        (["--also", "VGG16:block4_pool=features"], "two of the tables are"),
        (["--also", "VGG16:block4_pool=features/inner"], "features/inner would lie in the table"),
        (
            ["--also", "VGG16:block4_pool=other"],
            "other: features of the table and of these",
        ),
    ],
)
def test_what_cannot_be_is_one_line(images, tmp_path, monkeypatch, capsys, more, said):
    monkeypatch.chdir(tmp_path)
    if more[1].endswith("=other"):
        assert main(["--input", str(images), "--table", "other", *OPTIONS]) == 0
    capsys.readouterr()
    assert main(["--input", str(images), "--table", "features", *OPTIONS, *more]) == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert said in complaint
    assert not Path("features").exists()


def test_weights_of_a_file_are_of_one_base(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("w.weights.h5").write_bytes(b"never opened")
    with pytest.raises(UsageError, match=r"--weights w.weights.h5 are of VGG16; run VGG19 by"):
        also_of("--weights", "w.weights.h5", "--also", "VGG19=place")
    (same,) = also_of("--weights", "w.weights.h5", "--also", "VGG16:block4_pool=place")
    assert same.features.weights.kind == "file"


def test_a_plan_is_of_one_table(capsys):
    options = ["--input", "i", *OPTIONS, "--also", "VGG16:block4_pool=place"]
    assert plan_main(options) == 2
    assert "a plan is for one table: leave out --also" in capsys.readouterr().err


def test_the_function_and_the_command_report_every_table(images, tmp_path, capsys):
    keywords = {"weights": "random:1", "image_size": 32, "batch_size": 8, "engine": "keras"}
    also = [f"VGG16:block4_pool:avg={tmp_path / 'b'}", f"VGG16:block3_pool:avg={tmp_path / 'c'}"]
    metrics = tmp_path / "run.prom"
    report = ff.extract(images, tmp_path / "a", also=also, metrics_file=metrics, **keywords)
    assert [each.contract.layer for each in report.also] == ["block4_pool", "block3_pool"]
    told = metrics.read_text().splitlines()
    for name in "abc":
        assert f'frozen_features_table_rows{{table="{tmp_path / name}"}} 20.0' in told
    more = [option for each in also for option in ("--also", each)]
    result = tmp_path / "result.json"
    arguments = ["--input", str(images), "--table", str(tmp_path / "a"), "--json", str(result)]
    assert main([*arguments, *OPTIONS, *more]) == 0
    said = json.loads(result.read_text())
    assert [each["table"] for each in said["also"]] == [str(tmp_path / name) for name in "bc"]
    assert (said["present"], said["also"][1]["present"]) == (20, 20)
    printed = capsys.readouterr().out
    shown = [line.split() for line in printed.splitlines()]
    assert [line[1] for line in shown if line[:1] == ["table"]] == [
        str(tmp_path / n) for n in "abc"
    ]
