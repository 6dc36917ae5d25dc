"""What becomes of copies when their images change, go, move to another split, or a run dies."""

import shutil
from dataclasses import replace

import pyarrow.compute as pc
import pytest

from pipelines.driver import extract
from tests.conftest import write_image
from tests.pipelines.planning.copies.rows import names, one_run
from tests.pipelines.test_increments import content
from tests.pipelines.test_takeover import die_before_commit


@pytest.mark.acceptance
def test_a_changed_image_takes_its_copies_along(job, images, tmp_path):
    extract(job)
    extract(replace(job, copies=3))  # one image's copies lie in several files
    write_image(images / "train/dark/dark003.png", seed=77)
    report = extract(replace(job, copies=0))
    assert (report.attempted, report.counts["replaced"]) == (4, 4)
    assert content(job.table).equals(one_run(job, tmp_path, copies=3))


@pytest.mark.acceptance
def test_an_image_that_is_gone_is_gone_with_its_copies(job, images, tmp_path):
    extract(job)
    (images / "train/dark/dark003.png").unlink()
    report = extract(job)
    assert (report.counts["vanished"], report.counts["pruned"]) == (3, 0)
    assert extract(replace(job, prune=True)).counts["pruned"] == 3
    assert content(job.table).equals(one_run(job, tmp_path))


@pytest.mark.acceptance
def test_images_that_leave_the_training_split_lose_their_copies(images, make_job, tmp_path):
    def listed(split: str) -> None:
        lines = ["path,label,split"]
        for path in sorted((images / "train").rglob("*.png")):
            of = split if path.name == "dark003.png" else "train"
            lines.append(f"{path.relative_to(images)},{path.parent.name},{of}")
        manifest.write_text("\n".join(lines))

    manifest = images / "list.csv"
    job = make_job(manifest, tmp_path / "features", shard_rows=16, copies=2, engine="keras")
    listed("train")
    extract(job)
    listed("test")
    report = extract(job)
    assert (report.attempted, report.counts["relabelled"], report.counts["stray"]) == (0, 1, 2)
    assert content(job.table).equals(one_run(job, tmp_path))
    rows = content(job.table)
    assert set(rows.filter(pc.equal(rows["split"], "test"))["copy"].to_pylist()) == {0}
    listed("train")
    report = extract(job)
    # The older version's file still holds its copies, so that the base need not make them again.
    assert (report.attempted, report.counts["written"], report.counts["relabelled"]) == (0, 2, 1)
    shutil.rmtree(tmp_path / "fresh")
    assert content(job.table).equals(one_run(job, tmp_path))


@pytest.mark.acceptance
def test_a_relabelled_image_takes_its_copies_along(job, images, tmp_path):
    manifest = images / "list.csv"
    paths = sorted(path.relative_to(images) for path in (images / "train").rglob("*.png"))

    def listed(label: str) -> None:
        lines = [f"{path},{label if path.name == 'dark003.png' else 'plain'}" for path in paths]
        manifest.write_text("\n".join(["path,label", *lines]))

    listed("plain")
    job = replace(job, input=str(manifest))
    extract(job)
    extract(replace(job, copies=3))
    listed("odd")
    of = {r for r in names(job.table) if "dark003" in r[0]}
    assert extract(job).counts["relabelled"] == len(of)
    assert content(job.table).equals(one_run(job, tmp_path, copies=3))


@pytest.mark.acceptance
def test_a_dead_run_s_copies_are_taken_over_if_they_are_of_the_same_policy(
    job, tmp_path, monkeypatch
):
    die_before_commit(job, monkeypatch)
    assert extract(job).attempted == 0
    assert content(job.table).equals(one_run(job, tmp_path))
    shutil.rmtree(job.table)
    die_before_commit(replace(job, augmentation={"zoom": 0.5}), monkeypatch)
    assert extract(job).attempted == 32  # the images themselves are the same
    assert content(job.table).equals(content(tmp_path / "fresh"))
