"""Logs of very many commits: told of in part, and shortened a part at a time."""

import json
from types import SimpleNamespace

import pytest

from pipelines import describe, tidy
from pipelines.errors import TableError
from pipelines.table import compaction, log_length
from pipelines.table.commit_log import Commit
from pipelines.table.feature_table import HISTORY, FeatureTable
from pipelines.table.log_length import check_log_length, shorten_log
from pipelines.table.storage import open_delta
from tests.pipelines.table.trees import LONG_AGO, add_files, rows, source, write_file

NEWEST = 6


def lengthen(table, commits: int) -> int:
    """Commits that change nothing, as many; returns the number of the newest."""
    for version in range(NEWEST + 1, NEWEST + 1 + commits):
        said = {"commitInfo": {"timestamp": LONG_AGO * 1000 + version, "operation": "NOTHING"}}
        (table / f"_delta_log/{version:020d}.json").write_text(json.dumps(said))
    return NEWEST + commits


def checkpoints(table) -> list[int]:
    found = (table / "_delta_log").glob("*.checkpoint.parquet")
    return sorted(int(path.name.partition(".")[0]) for path in found)


@pytest.fixture
def short_steps(monkeypatch):
    monkeypatch.setattr(log_length, "MOST_COMMITS", 20)
    monkeypatch.setattr(log_length, "STEP", 10)


def test_a_log_too_long_to_be_opened_is_refused_and_tidy_shortens_it(small, capsys, short_steps):
    newest = lengthen(small, 60)
    assert describe.main(["--table", str(small)]) == 1
    said = capsys.readouterr().err
    assert f"has {newest} commits since its last checkpoint" in said
    assert f"pipelines.tidy --table {small} makes checkpoints" in said
    assert tidy.main(["--table", str(small)]) == 0
    assert checkpoints(small)[:5] == [10, 20, 30, 40, 50]
    held = rows(small)
    assert len(held) == 6
    capsys.readouterr()
    assert describe.main(["--table", str(small)]) == 0
    assert shorten_log(str(small)) == 0


def test_checkpoints_that_are_there_count(small, short_steps):
    newest = lengthen(small, 60)
    with pytest.raises(TableError, match="since its last checkpoint"):
        check_log_length(str(small))
    open_delta(str(small), newest - 15).create_checkpoint()
    check_log_length(str(small))
    # Nobody's hint at one is needed.
    (small / "_delta_log/_last_checkpoint").unlink()
    check_log_length(str(small))


def test_a_log_of_ordinary_length_asks_a_store_once(small, monkeypatch):
    monkeypatch.setattr(log_length, "_newest", lambda _: pytest.fail("the log was listed"))
    lengthen(small, 30)
    check_log_length(str(small))
    assert FeatureTable.open(str(small)).version == NEWEST + 30


def test_the_newest_commits_are_told_of_and_the_rest_is_counted(small, capsys):
    newest = lengthen(small, HISTORY + 100)
    out = small.parent / "out.json"
    assert describe.main(["--table", str(small), "--json", str(out)]) == 0
    told = json.loads(out.read_text())
    assert [commit["version"] for commit in told["history"]] == [
        *range(newest, newest - HISTORY, -1)
    ]
    assert told["earlier_commits"] == newest - HISTORY + 1
    printed = capsys.readouterr().out
    assert f"and {newest - 9} earlier commits" in printed
    assert describe.main(["--table", str(small), "--json", str(out), "--table_version", "5"]) == 0
    told = json.loads(out.read_text())
    assert [commit["version"] for commit in told["history"]] == [5, 4, 3, 2, 1, 0]
    assert told["earlier_commits"] == 0


def test_tidy_opens_no_version_of_the_many_that_it_keeps(small, monkeypatch):
    newest = lengthen(small, 200)
    opened = []
    whole = FeatureTable.open_if_exists.__func__

    def counting(cls, location, version=None):
        opened.append(version)
        return whole(cls, location, version)

    monkeypatch.setattr(FeatureTable, "open_if_exists", classmethod(counting))
    held = rows(small)
    files = sorted(small.rglob("*.parquet"))
    options = ["--table", str(small), "--retention_days", "90000"]
    done = tidy.work(tidy.make_parser().parse_args(options))
    assert f"0 to {newest + 1}" in str(done)
    assert len(opened) <= 4
    assert done.kept_versions == (*range(newest + 2),)
    assert rows(small) == held
    assert set(files) <= set(small.rglob("*.parquet"))
    assert FeatureTable.open(str(small), 1).keys().num_rows == 2


@pytest.mark.timeout(60)
def test_a_hundred_thousand_versions_are_kept_in_no_time(small, monkeypatch):
    many = 100_000
    commits = [Commit(v, LONG_AGO * 1000, "", None, (f"{v}.parquet",), ()) for v in range(many)]
    table = FeatureTable.open(str(small))
    old = SimpleNamespace(version=many - 1, storage=table.storage, paths=table.paths)
    monkeypatch.setattr(compaction, "read_commits", lambda _: commits)
    monkeypatch.setattr(compaction, "own_files", lambda *_: [])
    monkeypatch.setattr(compaction, "paths_ever_logged", lambda *_: frozenset())
    assert compaction.delete_unreferenced(old, 1e12, keep_pinned=False)[2] == tuple(range(many))


@pytest.mark.faults
def test_our_own_commits_leave_checkpoints(small):
    images = small.parent / "images"
    for number in range(100):
        add_files(small, [write_file(small, [source(images, f"train/cat/{number}.more.jpg")])])
    assert len(checkpoints(small)) == 1
    assert len(rows(small)) == 106
