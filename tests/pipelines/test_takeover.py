"""Work that another run finished or left behind: taken over or refused, never doubled."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.commits import commit as committing
from pipelines.commits.settlement import Settlement
from pipelines.driver import extract
from pipelines.errors import ContractMismatchError
from pipelines.table.feature_table import FeatureTable
from tests.conftest import write_image
from tests.pipelines.test_increments import content, fresh


@pytest.fixture
def images(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "images")
    return tmp_path / "images"


def die_before_commit(job, monkeypatch):
    """Extract everything, then end as a killed run does."""

    def die(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(committing, "commit_change", die)
        with pytest.raises(KeyboardInterrupt):
            extract(job)


@pytest.mark.acceptance
def test_rows_of_a_dead_run_are_salvaged_one_by_one(images, make_job, tmp_path, monkeypatch):
    job = make_job(images, tmp_path / "features", shard_rows=16)
    die_before_commit(job, monkeypatch)
    write_image(images / "train/dark/dark003.png", seed=77)
    (images / "train/light/light000.png").unlink()
    report = extract(job)
    assert report.counts["written"] == 87
    assert content(job.table).equals(fresh(job, tmp_path))
    # Only the changed image went through the base again.
    runs = {path.split("-")[1]: path for path in FeatureTable.open(job.table).paths}
    assert len(runs) == 2


@pytest.mark.acceptance
def test_a_file_to_salvage_from_that_goes_with_another_run_s_commit(
    images, make_job, tmp_path, monkeypatch
):
    job = make_job(images, tmp_path / "features", shard_rows=16)
    die_before_commit(job, monkeypatch)
    write_image(images / "train/dark/dark003.png", seed=77)
    rewritten, went = committing._rewritten, []

    def interrupted(uri, table, path, keep):
        if not went:
            went.append(path)
            extract(job)
            (Path(uri) / path).unlink()
        return rewritten(uri, table, path, keep)

    monkeypatch.setattr(committing, "_rewritten", interrupted)
    extract(job)
    assert went
    assert content(job.table).equals(fresh(job, tmp_path))


@pytest.mark.acceptance
def test_a_table_that_another_contract_took_meanwhile(images, make_job, tmp_path, monkeypatch):
    from pipelines.commits.commit import commit_change

    job = make_job(images, tmp_path / "features")
    other = replace(job, features=replace(job.features, preprocessing="rescale"))
    commits = []

    def interrupted(state, change):
        if not commits:
            commits.append("first")
            extract(other)
        return commit_change(state, change)

    monkeypatch.setattr(committing, "commit_change", interrupted)
    with pytest.raises(ContractMismatchError, match="preprocessing: rescale in the table"):
        extract(job)
    monkeypatch.undo()
    assert FeatureTable.open(job.table).version == 1
    assert extract(other).counts["present"] == 88


@pytest.mark.acceptance
def test_two_runs_at_once_end_in_one_right_table(images, make_job, tmp_path, monkeypatch):
    """The second run commits between the first one's plan and commit: all its rows, then some."""
    job = make_job(images, tmp_path / "features", shard_rows=16)
    commits = []

    def interrupted(state, change):
        if not commits:
            commits.append("first")
            (images / "train/dark/dark009.png").unlink()
            extract(job)
            write_image(images / "train/dark/dark009.png", seed=9)
        return commit_change(state, change)

    from pipelines.commits.commit import commit_change

    monkeypatch.setattr(committing, "commit_change", interrupted)
    report = extract(job)
    monkeypatch.undo()
    table = FeatureTable.open(job.table)
    ids = table.keys()["image_id"].to_pylist()
    assert len(ids) == len(set(ids)) == 88
    assert report.version == table.version == 2
    extract(job)
    assert content(job.table).equals(fresh(job, tmp_path))
    assert np.isfinite(np.concatenate(content(job.table)["features"].to_numpy())).all()


@pytest.mark.acceptance
@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_damaged_file_of_a_dead_run_is_not_taken_over(
    images, make_job, tmp_path, monkeypatch, place
):
    job = make_job(images, tmp_path / "features", shard_rows=16)
    die_before_commit(job, monkeypatch)
    victim = sorted((tmp_path / "features/data").iterdir())[2]
    data = bytearray(victim.read_bytes())
    start = int(len(data) * place)
    data[start : start + 40] = bytes(40)
    victim.write_bytes(data)
    report = extract(job)
    assert report.attempted == 16
    assert content(job.table).equals(fresh(job, tmp_path))
    assert f"data/{victim.name}" not in FeatureTable.open(job.table).paths


def test_failures_in_a_file_that_another_run_committed_are_not_lost(
    images, make_job, tmp_path, monkeypatch
):
    """The other run takes this one's finished file over before this one settles."""
    (images / "train/dark/broken.png").write_bytes(b"no image")
    job = make_job(images, tmp_path / "features")
    looks = []

    def overtaken(settlement, record, waiting):
        if not looks:
            looks.append("first")
            extract(job)
        return settle(settlement, record, waiting)

    settle = Settlement.settle
    monkeypatch.setattr(Settlement, "settle", overtaken)
    report = extract(job)
    assert (report.counts["present"], report.counts["new_failures"]) == (88, 1)
    assert FeatureTable.open(job.table).version == 1
