"""`pipelines.plan` from its options to its JSON, on tiny images."""

import contextlib
import io
import json
import shutil

import pytest

from pipelines import plan
from pipelines.images.decode import PixelSpec
from pipelines.planning.sizing import rehearsal, stages
from pipelines.planning.sizing.forecast import DRIVER_BYTES
from pipelines.planning.sizing.rehearsal import RehearsalError, rehearse
from pipelines.planning.sizing.stand_ins import draw_stand_ins
from pipelines.table.feature_table import FeatureTable
from tests.conftest import write_image

BASE = ["--base", "VGG16", "--image_size", "32", "--weights", "random:1", "--batch_size", "8"]
QUICK = [*BASE, "--engine", "keras", "--threads", "2", "--seconds", "0.05"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Measures shortly, and rehearses in this process, which has TensorFlow and Beam already."""

    def run_here(desk, cache):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            rehearsal.main(desk)
        return said.getvalue()

    monkeypatch.setattr(rehearsal, "_run", run_here)
    monkeypatch.setattr(stages, "DECODE_SECONDS", 0.02)
    monkeypatch.setattr(stages, "ENCODE_SECONDS", 0.02)


def run(tmp_path, *given):
    file = tmp_path / "plan.json"
    assert plan.main([*map(str, given), *QUICK, "--json", str(file)]) == 0
    return json.loads(file.read_text())


@pytest.mark.acceptance
def test_a_plan_of_a_folder(dataset, tmp_path, capsys):
    said = run(tmp_path, "--input", dataset, "--workers", 3, "--price_per_hour", 2)
    found, measured = said["forecast"], said["measured"]
    assert (said["images"], said["listed"], found["workers"]) == (88, 88, 3)
    assert measured["feature_length"] == 512
    # 3 workers with 4 shards each: no shard needs more than a batch.
    assert (found["shard_rows"], found["files"]) == (32, 3)
    assert found["bytes_read"] == sum(f.stat().st_size for f in dataset.rglob("*.png"))
    assert 0.3 * 2048 < measured["row_bytes"] < 1.5 * 2048
    assert said["price"] == pytest.approx(2 * found["worker_hours"])
    out = capsys.readouterr().out
    assert "the base ran" in out
    assert "kind: FlinkDeployment" in out
    assert "88 of 88" in out


def test_only_what_a_table_lacks(dataset, table, tmp_path, capsys):
    given = ["--input", dataset, "--table", table]
    version = FeatureTable.open(str(table)).version
    assert run(tmp_path, *given) == {"images": 0, "listed": 88}
    assert "nothing to extract" in capsys.readouterr().out
    assert FeatureTable.open(str(table)).version == version


def test_an_increment_is_what_is_new(dataset, table, tmp_path):
    grown = shutil.copytree(dataset, tmp_path / "grown")
    added = [write_image(grown / "train" / "dark" / f"new{i}.png", seed=i) for i in range(5)]
    said = run(tmp_path, "--input", grown, "--table", table)
    assert (said["images"], said["listed"]) == (5, 93)
    assert said["forecast"]["bytes_read"] == sum(file.stat().st_size for file in added)
    assert said["forecast"]["files"] == 1


@pytest.mark.acceptance
def test_copies_are_planned_for(dataset, tmp_path, capsys):
    said = run(tmp_path, "--input", dataset, "--augment", 2, "--rotation", 10)
    read = sum(file.stat().st_size for file in dataset.rglob("*.png"))
    assert (said["images"], said["listed"]) == (88 + 2 * 48, 88)
    assert said["forecast"]["bytes_read"] == read  # a copy is made of what was read
    assert "88 of 88, 184 rows with their copies" in capsys.readouterr().out
    assert said["forecast"]["driver_bytes"] == 184 * DRIVER_BYTES
    many = run(tmp_path, "--input", dataset, "--augment", 2, "--images", 880)
    assert (many["images"], many["listed"]) == (880 + 2 * 480, 880)
    assert many["forecast"]["bytes_read"] == 10 * read


@pytest.mark.acceptance
def test_many_images_like_a_few_drawn_ones_on_a_faster_card(tmp_path):
    given = ["--images", 1_000_000, "--image_bytes", 4_000, "--hours", 10]
    said = run(tmp_path, *given, "--images_per_second", 100, "--cores", 4)
    found = said["forecast"]
    assert said["images"] == said["listed"] == 1_000_000
    assert found["bytes_read"] == pytest.approx(4e9, rel=0.2)
    assert said["worker"]["images_per_second"] <= 100
    assert found["workers"] >= 1_000_000 / 100 / 36_000
    assert found["seconds"] <= 36_000


@pytest.mark.acceptance
def test_drawn_pictures_are_trained_on_and_so_have_copies(tmp_path):
    said = run(tmp_path, "--images", 1000, "--image_bytes", 4_000, "--augment", 2)
    assert (said["images"], said["listed"]) == (3000, 1000)


@pytest.mark.parametrize("size", [3_000, 50_000])
def test_stand_ins_have_about_the_bytes_wanted(tmp_path, size):
    drawn = list(draw_stand_ins(tmp_path, size, 3).iterdir())
    assert len(drawn) == 3
    for file in drawn:
        assert file.stat().st_size == pytest.approx(size, rel=0.15)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "name the images with --input, or say --images and --image_bytes"),
        (["--images", "5"], "name the images with --input"),
        (["--input", "x", "--image_bytes", "5"], "--image_bytes is for plans without images"),
        (["--input", "x", "--images", "5", "--table", "t"], "--table wants --input alone"),
        (["--input", "/nowhere"], "no folder or manifest at /nowhere"),
        (["--input", "x", "--workers", "1", "--hours", "2"], "not allowed with"),
        (["--input", "x", "--hours", "0"], "not a finite number above 0"),
    ],
)
def test_mistakes_are_told_in_a_line(given, said, capsys):
    assert plan.main([*given, *BASE]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_images_that_cannot_be_read_are_told(tmp_path, capsys):
    (tmp_path / "images").mkdir()
    for name in "ab":
        (tmp_path / "images" / f"{name}.jpg").write_text("no picture")
    assert plan.main(["--input", str(tmp_path / "images"), *QUICK]) == 2
    said = capsys.readouterr().err
    assert "none of the 2 images looked at can be used; pipelines.extract says why" in said


def test_a_rehearsal_that_ends_badly_is_told(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(rehearsal.sys, "executable", "/bin/false")
    from pipelines.bases import WeightsRequest
    from pipelines.engines.request import EngineRequest
    from tests.pipelines.test_contract import CONTRACT

    request = EngineRequest(CONTRACT, WeightsRequest("random"), 8, None, "keras")
    with pytest.raises(RehearsalError, match="a trial extraction failed: status 1"):
        rehearse([], request, 8, PixelSpec(32, "bilinear", "ignored"))


@pytest.mark.acceptance
def test_the_command_as_processes_of_its_own(dataset, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "plan.json"
    given = ["--input", str(dataset), "--images", "1000", "--engine", "ncnn", "--seconds", "0.5"]
    assert plan.main([*given, *BASE, "--json", str(file)]) == 0
    said = json.loads(file.read_text())
    measured = said["measured"]
    assert said["forecast"]["files"] == 4  # no race, so no rate: four shards for the one worker
    # A process that has loaded Beam, and one that has loaded TensorFlow too, to convert the base.
    assert 100e6 < measured["peak_bytes"] < measured["cold_bytes"] < 3e9
    assert measured["startup_seconds"] > 0.5
    assert measured["cold_seconds"] > 0.5
    assert measured["engine_bytes"] > 1e6
