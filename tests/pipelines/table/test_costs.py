"""What a command does besides its work does not grow with the table; and says what it said before.

Nothing is timed: files are taken away that need not be opened, openings and lines run are counted.
"""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow.compute as pc
import pyarrow.fs as pafs
import pytest
from deltalake import DeltaTable

from benchmarks.synthetic import CONTRACT, LENGTH, image_id, write_files
from classifiers.data.row_groups import find_rows, splits
from pipelines.errors import ContractMismatchError, TableError
from pipelines.planning.run import Scene
from pipelines.table.change import Change, TableState
from pipelines.table.compaction import merge_small_files
from pipelines.table.erasure import forget
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.storage import open_storage
from tests.conftest import ROOT
from tests.pipelines.table.test_files import block, receipt, write

ROWS = 6
LONG = "a-split-of-a-very-long-name-" * 4


def make_table(folder: Path, files: dict[str, int], rows: int = ROWS) -> FeatureTable:
    """A table of so many files of each split, all of `rows` rows."""
    uri, paths, first = str(folder), [], 0
    for split, count in files.items():
        paths += write_files(uri, count * rows, rows, first, split)
        first += count * rows
    storage = open_storage(uri)
    found = [inspect_file(storage, path) for path in paths]
    commit_change(
        TableState(uri, None, CONTRACT, (LENGTH,), EMPTY_KEYS), Change(found, [], {"run": "r"})
    )
    return FeatureTable.open(uri)


@pytest.fixture
def made(tmp_path):
    return make_table(tmp_path / "features", {"train": 4, "validation": 2, "test": 1})


def plain_splits(table: FeatureTable) -> set[str]:
    return set(table.dataset().to_table(columns=["split"])["split"].to_pylist())


def without_statistics(table: FeatureTable, keep: int = 0) -> FeatureTable:
    """The same table as a writer leaves it that keeps none, but for the first few files."""
    log = Path(table.uri) / "_delta_log/00000000000000000001.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in [line for line in lines if "add" in line][keep:]:
        line["add"].pop("stats")
    log.write_text("\n".join(map(json.dumps, lines)))
    return FeatureTable.open(table.uri)


def take_away(table: FeatureTable, split: str | None = None) -> None:
    for file in table.files:
        if split is None or file.only_split == split:
            (Path(table.uri) / file.path).unlink()


class Counting(pafs.FileSystemHandler):
    """A table's files, which counts how often each is opened."""

    def __init__(self, under: pafs.FileSystem) -> None:
        self.under, self.opened = under, Counter[str]()

    def open_input_file(self, path):
        self.opened[path] += 1
        return self.under.open_input_file(path)

    def get_file_info(self, paths):
        return self.under.get_file_info(paths)

    def get_type_name(self):
        return "counting"

    def normalize_path(self, path):
        return path

    def _refused(self, *_args, **_settings):
        raise NotImplementedError

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = _refused
    delete_root_dir_contents = delete_file = move = copy_file = open_input_stream = _refused
    open_output_stream = open_append_stream = _refused


@pytest.fixture
def counting(made):
    handler = Counting(made.storage)
    vars(made)["storage"] = pafs.PyFileSystem(handler)
    return handler


def lines_run(work: Callable[[], object]) -> int:
    """Lines of this project that some work runs, each as often as it runs, on all threads."""
    count = 0

    def trace(frame, event, _argument):
        nonlocal count
        if not frame.f_code.co_filename.startswith(str(ROOT / "pipelines")):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
        threading.settrace(before)
    return count


def test_the_log_names_the_splits(made):
    expected = plain_splits(made)
    take_away(made)
    assert splits(FeatureTable.open(made.uri)) == expected == {"train", "validation", "test"}
    with pytest.raises(TableError, match=r"no rows of split 'dev' .* has test, train, validation"):
        find_rows(made, "dev")


@pytest.mark.parametrize("keep", [0, 3])
def test_a_file_without_statistics_is_asked_itself_and_no_other(made, keep):
    expected = plain_splits(made)
    silent = without_statistics(made, keep)
    assert splits(silent) == expected
    assert [file.rows for file in silent.files].count(None) == 7 - keep
    for split in expected:
        there = find_rows(made, split).keys
        assert find_rows(silent, split).keys.equals(there)
    assert merge_small_files(silent) == ((keep, 1) if keep else (0, 0))
    take_away(made, "train")
    with pytest.raises(TableError, match=r"needs data/\S+\.parquet, which is gone"):
        splits(silent)


@pytest.mark.parametrize(
    "names", [("train", "validation", "test"), (LONG + "a", LONG + "b", "train", LONG)]
)
def test_files_of_delta_s_own_compaction_hold_several_splits(tmp_path, names):
    table = make_table(tmp_path / "features", dict.fromkeys(names, 2))
    DeltaTable(table.uri).optimize.compact()
    mixed = FeatureTable.open(table.uri)
    assert len(mixed.files) == 1
    assert mixed.files[0].only_split is None
    assert splits(mixed) == set(names) == plain_splits(mixed)
    for name in names:
        assert find_rows(mixed, name).keys.equals(find_rows(table, name).keys)
    assert mixed.counts() == table.counts()


def test_bounds_that_another_writer_cut_short_are_not_taken_for_a_name(tmp_path):
    table = make_table(tmp_path / "features", {LONG: 2})
    DeltaTable(table.uri).optimize.compact()
    assert splits(FeatureTable.open(table.uri)) == {LONG}


def test_finding_rows_opens_each_file_of_the_split_once_and_no_other(made, counting):
    train = {file.path for file in made.files if file.only_split == "train"}
    rows = find_rows(made, "train")
    assert counting.opened == dict.fromkeys(train, 1)
    splits(made)
    find_rows(made, "validation", copies=0)
    assert counting.opened == {f.path: 1 for f in made.files if f.only_split != "test"}
    keys = made.keys().filter(pc.equal(made.keys()["split"], "train")).sort_by("image_id")
    plain = keys.select(rows.keys.column_names)
    assert rows.keys.to_pylist() == plain.to_pylist()


def test_a_file_of_another_contract_is_refused_where_its_rows_are_wanted(tmp_path, made):
    path = next(file.path for file in made.files if file.only_split == "validation")
    (Path(made.uri) / path).unlink()
    other = replace(CONTRACT, base="VGG19").canonical_json()
    write(made.storage, path, [block(0, 1)], receipt(1, contract=other))
    assert find_rows(made, "train").keys.num_rows == 4 * ROWS
    for split in ("validation", None):
        with pytest.raises(ContractMismatchError, match="VGG16 in the table, VGG19 in data/"):
            find_rows(made, split)


def test_counting_rows_reads_no_keys(made, monkeypatch):
    keys = made.keys().group_by(["split", "label"]).aggregate([([], "count_all")]).to_pylist()
    expected = sorted((row["split"], row["label"], row["count_all"]) for row in keys)
    rows, read = made.dataset(), []

    def to_batches(columns):
        read.extend(columns)
        return rows.to_batches(columns=columns)

    monkeypatch.setattr(FeatureTable, "keys", lambda _: pytest.fail("all keys were read"))
    watched = SimpleNamespace(to_batches=to_batches)
    monkeypatch.setattr(FeatureTable, "dataset", lambda _: watched)
    assert [(split, label, rows) for split, label, rows, _ in made.counts()] == expected
    assert sorted(read) == ["copy", "label", "split"]
    assert made.counts() == [(*row, row[2]) for row in expected]


def test_tidying_what_is_tidy_opens_no_file(made):
    before = made.counts()
    assert merge_small_files(made) == (6, 2)
    tidy = FeatureTable.open(made.uri)
    assert tidy.counts() == before
    take_away(tidy)
    assert merge_small_files(tidy) == (0, 0)


def forgetting(folder: Path, files: int, rows: int) -> int:
    """Lines that forgetting an image of every file runs."""
    table = make_table(folder / f"{files}-{rows}", {"train": files}, rows)
    ids = frozenset(image_id(place) for place in range(0, files * rows, rows))
    lines = lines_run(lambda: forget(table, ids))
    kept = FeatureTable.open(table.uri).keys()["image_id"].to_pylist()
    assert sorted(kept) == sorted({image_id(place) for place in range(files * rows)} - ids)
    return lines


@pytest.mark.acceptance
def test_forgetting_takes_time_for_files_and_not_for_files_times_rows(tmp_path):
    few, wide, many = (forgetting(tmp_path, *size) for size in ((6, 4), (6, 64), (24, 4)))
    assert wide < 1.1 * few
    assert many < 4.4 * few


def test_without_copies_no_input_is_walked_to_find_those_that_are_short():
    class Untouchable(dict):
        def _touched(self, *_args):
            pytest.fail("all inputs were walked")

        __iter__ = keys = values = items = _touched

    scene = Scene(None, Untouchable(), EMPTY_KEYS, {}, None, None, copies=0)
    assert scene.short_of_copies("train") == (0, 0)
