"""Extraction from end to end, on the embedded runner with the tiny base."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.bases import BASES, load_base
from pipelines.commits import commit as committing
from pipelines.commits import run_record
from pipelines.driver import extract
from pipelines.errors import CommitRefusedError
from pipelines.extract import main
from pipelines.planning import preparing
from pipelines.planning.job import make_contract
from pipelines.shards.runner import RunnerError
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from tests.conftest import TINY, write_image


def rows_of(table: Path) -> pa.Table:
    """All rows, in an order of their own."""
    return FeatureTable.open(str(table)).dataset().to_table().sort_by("image_id")


def plain_loop(root: Path) -> dict[str, np.ndarray]:
    """What a user would write: load_img, preprocess_input, predict."""
    model = load_base(BASES["VGG16"], 32, TINY.weights).model
    paths = sorted(root.glob("*/*/*.png"))
    images = []
    for path in paths:
        image = keras.utils.load_img(path, target_size=(32, 32), interpolation="bilinear")
        images.append(keras.utils.img_to_array(image))
    batch = keras.applications.vgg16.preprocess_input(np.stack(images))
    features = model.predict(batch, verbose=0).reshape(len(paths), -1)
    return {str(path.relative_to(root)): row for path, row in zip(paths, features, strict=True)}


def test_rows_are_those_of_a_plain_loop(dataset, table):
    rows = rows_of(table).to_pylist()
    expected = plain_loop(dataset)
    assert [row["image_id"] for row in rows] == sorted(expected)
    for row in rows:
        split, label, _ = row["image_id"].split("/")
        assert (row["split"], row["label"], row["copy"]) == (split, label, 0)
        assert (row["width"], row["height"]) == (36, 33)
        assert row["bytes"] == Path(row["uri"]).stat().st_size
        found, wanted = np.float32(row["features"]), expected[row["image_id"]]
        assert np.linalg.norm(found - wanted) <= 1e-5 * np.linalg.norm(wanted)


def test_files_hold_one_split_and_at_most_a_shard(table):
    actions = pa.table(FeatureTable.open(str(table)).delta.get_add_actions(flatten=True))
    sizes = sorted(
        zip(actions["min.split"].to_pylist(), actions["num_records"].to_pylist(), strict=True)
    )
    assert actions["min.split"].to_pylist() == actions["max.split"].to_pylist()
    assert sizes == [
        *[("test", 4), ("test", 16)],
        *[("train", 16), ("train", 16), ("train", 16)],
        *[("validation", 4), ("validation", 16)],
    ]


@pytest.mark.acceptance
@settings(
    deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shard_rows=st.integers(1, 60),
    threads=st.integers(1, 4),
    workers=st.sampled_from([1, 2]),
    random=st.randoms(use_true_random=False),
)
def test_order_shards_and_workers_change_no_row(
    dataset, table, make_job, tmp_path_factory, monkeypatch, shard_rows, threads, workers, random
):
    listed = []

    def shuffled(location, *options):
        refs = [*list_images(location, *options)]
        random.shuffle(refs)
        listed.append(location)
        return refs

    from pipelines.images.listing import list_images

    flags = ("--direct_running_mode=multi_threading", f"--direct_num_workers={workers}")
    where = tmp_path_factory.mktemp("permuted") / "features"
    job = make_job(dataset, where, shard_rows=shard_rows, threads=threads, beam_flags=flags)
    with monkeypatch.context() as patch:
        patch.setattr(preparing, "list_images", shuffled)
        extract(job)
    assert listed == [str(dataset)]
    assert rows_of(where).equals(rows_of(table))


@pytest.mark.acceptance
def test_two_worker_processes_give_the_same_table(dataset, table, make_job, tmp_path):
    flags = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    job = make_job(dataset, tmp_path / "features", shard_rows=16, beam_flags=flags)
    report = extract(job)
    assert rows_of(tmp_path / "features").equals(rows_of(table))
    # Beam's counters bring the times back from the processes.
    assert 0 < report.waits.base <= 2 * report.extract_seconds


def test_a_run_ends_with_what_bounds_it_and_keeps_its_rate(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run_record, "MEASURED_FROM", 88)
    where = ["--input", str(dataset), "--table", str(tmp_path / "features")]
    what = ["--weights", "random", "--image_size", "32", "--json", str(tmp_path / "report.json")]
    assert main([*where, *what]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["bottleneck"] in capsys.readouterr().out
    assert report["bottleneck"].startswith("the base ran ")
    waits = report["waits"]
    assert sum(waits.values()) <= report["extract_seconds"] + 0.1
    run = FeatureTable.open(str(tmp_path / "features")).history()[0]["run"]
    assert run["waits"] == waits
    assert run["images_per_second"] == pytest.approx(88 / sum(waits.values()), rel=1e-3)
    assert main([*where, *what]) == 0
    assert json.loads((tmp_path / "report.json").read_text())["bottleneck"] is None
    assert "the base ran" not in capsys.readouterr().out


def test_a_run_of_few_images_tells_no_rate(table):
    assert FeatureTable.open(str(table)).history()[0]["run"]["images_per_second"] is None


def test_a_second_run_does_nothing_and_new_images_are_added(dataset, make_job, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(dataset / "test", images / "test")
    job = make_job(images, tmp_path / "features")
    first = extract(job)
    assert (first.version, first.counts["written"]) == (1, 20)
    again = extract(job)
    assert (again.version, again.counts["written"], again.counts["present"]) == (1, 0, 20)
    write_image(images / "test/dark/new.png", seed=1)
    more = extract(job)
    assert (more.version, more.counts["written"], more.counts["present"]) == (2, 1, 20)
    assert rows_of(tmp_path / "features").num_rows == 21


@pytest.fixture
def hurt(dataset, tmp_path):
    """Twenty images, of which two cannot be used."""
    shutil.copytree(dataset / "test", tmp_path / "images/test")
    (tmp_path / "images/test/dark/broken.png").write_bytes(b"\x89PNG, not really")
    (tmp_path / "images/test/light/empty.jpg").touch()
    return tmp_path / "images"


def test_an_unreadable_image_costs_only_itself(hurt, make_job, tmp_path):
    job = make_job(hurt, tmp_path / "features")
    report = extract(job)
    assert (report.counts["written"], report.counts["new_failures"]) == (20, 2)
    failures = read_failures(str(tmp_path / "features")).sort_by("image_id").to_pylist()
    assert [(f["image_id"], f["stage"], f["message"], f["run"]) for f in failures] == [
        (
            "test/dark/broken.png",
            "decode",
            "not a JPEG, PNG, GIF, BMP, TIFF, WEBP or PPM image",
            report.run,
        ),
        ("test/light/empty.jpg", "decode", "the file is empty", report.run),
    ]
    again = extract(job)
    assert (again.counts["known_failures"], again.counts["new_failures"]) == (2, 0)
    retried = extract(replace(job, retry_failures=True))
    assert (retried.counts["known_failures"], retried.counts["new_failures"]) == (0, 2)
    write_image(hurt / "test/light/empty.jpg", seed=1)
    mended = extract(job)
    assert (mended.counts["written"], mended.counts["known_failures"]) == (1, 1)


def test_a_file_of_forty_gigabytes_is_a_failure_until_more_is_allowed(hurt, make_job, tmp_path):
    (hurt / "test/light/empty.jpg").unlink()
    (hurt / "test/light/huge.jpg").touch()
    os.truncate(hurt / "test/light/huge.jpg", 40 << 30)
    plain = [path for path in hurt.rglob("*.png") if path.name != "broken.png"]
    least = min(path.stat().st_size for path in plain)
    job = make_job(hurt, tmp_path / "features")
    assert extract(job).counts["new_failures"] == 2
    rows = read_failures(str(tmp_path / "features")).to_pylist()
    assert {row["error"] for row in rows} == {"TooLargeError", "UnidentifiedImageError"}
    assert extract(job).counts["known_failures"] == 2  # it is not even looked at
    small = make_job(hurt, tmp_path / "small", max_image_bytes=least, max_failures=100)
    counts = extract(small).counts
    assert 0 < counts["written"] == sum(path.stat().st_size == least for path in plain)
    more = replace(small, max_image_bytes=100_000, retry_failures=True)
    assert extract(more).counts["written"] == 20 - counts["written"]


def test_a_shard_of_failures_alone(make_job, tmp_path):
    (tmp_path / "images/train/cat").mkdir(parents=True)
    (tmp_path / "images/train/cat/1.jpg").write_bytes(b"no")
    with pytest.raises(CommitRefusedError, match="none of the 1 images attempted can be used"):
        extract(make_job(tmp_path / "images", tmp_path / "features"))
    assert read_failures(str(tmp_path / "features")).num_rows == 1
    assert FeatureTable.open_if_exists(str(tmp_path / "features")) is None


def test_too_many_failures_refuse_the_commit_and_are_recorded(hurt, make_job, tmp_path):
    job = make_job(hurt, tmp_path / "features", max_failures=1)
    with pytest.raises(CommitRefusedError, match="2 images failed, more than the 1 allowed"):
        extract(job)
    assert FeatureTable.open_if_exists(str(tmp_path / "features")) is None
    assert read_failures(str(tmp_path / "features")).num_rows == 2
    # Asking again changes nothing; accepting them does, and what was finished is not done again.
    with pytest.raises(CommitRefusedError, match="2 images failed, more than the 1 allowed"):
        extract(job)
    report = extract(replace(job, max_failures=2))
    assert (report.counts["written"], report.counts["new_failures"]) == (20, 2)
    assert report.extract_seconds == 0.0


def test_the_work_of_a_run_that_died_is_taken_over(dataset, table, make_job, tmp_path, monkeypatch):
    images = tmp_path / "images"
    shutil.copytree(dataset, images)
    job = make_job(images, tmp_path / "features", shard_rows=16)

    def die(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(committing, "commit_change", die)
        with pytest.raises(KeyboardInterrupt):
            extract(job)
    write_image(images / "train/dark/new.png", seed=1)
    report = extract(job)
    assert report.counts["written"] == 89
    assert report.extract_seconds > 0.0
    ours = rows_of(tmp_path / "features").drop_columns(["uri", "modified"])
    ours = ours.filter(pa.compute.not_equal(ours["image_id"], "train/dark/new.png"))
    assert ours.equals(rows_of(table).drop_columns(["uri", "modified"]))
    shards = {path.split("-")[1] for path in FeatureTable.open(report.table).paths}
    assert len(shards) == 2  # of both runs: nothing finished was done again


def test_a_worker_s_error_is_one_line(dataset, make_job, tmp_path, monkeypatch):
    def fail(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.shards.transforms.extract_shard", fail)
    with pytest.raises(RunnerError, match=r"extraction failed: .*No space left") as caught:
        extract(make_job(dataset, tmp_path / "features"))
    assert "\n" not in str(caught.value)
    assert FeatureTable.open_if_exists(str(tmp_path / "features")) is None


def test_a_beam_runner_is_chosen_by_its_option(dataset, tmp_path):
    options = ["--input", str(dataset), "--table", str(tmp_path / "features"), *OPTIONS]
    assert main([*options, "--runner", "FnApiRunner", "--direct_num_workers=1"]) == 0


OPTIONS = ["--weights", "random:1", "--image_size", "32"]


def test_the_command_prints_a_table_and_writes_json(hurt, tmp_path, capsys):
    table, result = tmp_path / "features", tmp_path / "result.json"
    arguments = ["--input", str(hurt), "--table", str(table), "--json", str(result), *OPTIONS]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "written          20" in printed.out
    assert "test/light/empty.jpg" in printed.out
    assert "22 of 22 images" in printed.err
    values = json.loads(result.read_text())
    assert (values["written"], values["new_failures"], values["version"]) == (20, 2, 1)
    assert values["contract_id"] == make_contract(TINY).contract_id


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        (["--input", "{tmp}/nowhere"], 2, "no folder or manifest at"),
        (["--input", "{tmp}/empty"], 2, "no images in"),
        (["--table", "{tmp}/file/features"], 1, "cannot write to"),
        (["--image_size", "16"], 2, "at least 32 pixels"),
        (["--image_size", "0"], 2, "--image_size: '0' is not a whole number above 0"),
        (["--base", "VGG99"], 2, "there is no base 'VGG99'"),
        (["--weights", "nowhere.h5"], 2, "--weights nowhere.h5: no such file"),
        (["--layer", "block9"], 2, "no layer 'block9'"),
        (["--pooling", "sum"], 2, "--pooling: invalid choice"),
        (["--imput", "x"], 2, "no option --imput; did you mean --input"),
        (["--bogus"], 2, "no option --bogus; --help lists"),
        (["surplus"], 2, "unexpected argument 'surplus'"),
        (["--direct_num_workers=two"], 2, "direct_num_workers: invalid int value"),
        (["--input_root", "{tmp}"], 2, "--input_root is for manifests"),
        (["--table", ""], 2, "the table's location is empty"),
        (["--input", ""], 2, "the input is empty"),
        (["--table", "{tmp}/file"], 1, "is a file; a feature table is a folder"),
        (["--table", "{dataset}"], 1, "is a folder of other things"),
        (["--shard_size", "many"], 2, "--shard_size: 'many' is not"),
        (["--json", "{tmp}/nowhere/x.json"], 2, "--json: .* cannot be written"),
    ],
)
def test_mistakes_get_one_line_and_leave_nothing(
    dataset, tmp_path, capsys, change, status, message
):
    import re

    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    table = tmp_path / "tables/features"
    usual = ["--input", str(dataset), "--table", str(table), *OPTIONS]
    assert (
        main([*usual, *(each.format(tmp=tmp_path, dataset=dataset) for each in change)]) == status
    )
    printed = capsys.readouterr()
    (line,) = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert re.search(message, line), line
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert not (tmp_path / "tables").exists()


def test_a_table_of_another_contract_is_refused(dataset, table, capsys):
    options = ["--weights", "random:1", "--image_size", "32", "--preprocessing", "rescale"]
    assert main(["--input", str(dataset), "--table", str(table), *options]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "preprocessing: imagenet in the table, rescale in these options" in error
    assert FeatureTable.open(str(table)).version == 1
