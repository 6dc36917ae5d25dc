import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from deltalake import DeltaTable

from pipelines.errors import CommitRefusedError, ContractMismatchError, TableError
from pipelines.table.change import Change, TableMovedError, TableState
from pipelines.table.feature_table import FeatureTable
from pipelines.table.file_checks import check_files
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.receipts import read_receipt
from pipelines.table.storage import open_storage
from tests.pipelines.table.test_files import SHAPE, block, receipt, write
from tests.pipelines.test_contract import CONTRACT


@pytest.fixture
def uri(tmp_path):
    return str(tmp_path / "table")


@pytest.fixture
def storage(uri):
    return open_storage(uri)


def file(storage, name, start, rows, **changes):
    path = f"data/{name}.parquet"
    write(storage, path, [block(start, rows)] if rows else [], receipt(rows, **changes))
    return inspect_file(storage, path)


def state(uri) -> TableState:
    table = FeatureTable.open_if_exists(uri)
    if table is None:
        return TableState(uri, None, CONTRACT, SHAPE, EMPTY_KEYS)
    return TableState(uri, table.version, CONTRACT, SHAPE, table.keys())


def test_files_enter_in_one_transaction_with_the_run_s_record(uri, storage):
    files = [file(storage, "a", 0, 3), file(storage, "b", 3, 2)]
    assert commit_change(state(uri), Change(files, [], {"run": "r1"})) == 1
    assert commit_change(state(uri), Change([file(storage, "c", 5, 1)], [], {"run": "r2"})) == 2
    table = FeatureTable.open(uri)
    assert (table.contract, table.feature_shape, table.feature_length) == (CONTRACT, SHAPE, 6)
    assert table.counts() == [("train", "cat", 6, 6)]
    assert table.paths == ["data/a.parquet", "data/b.parquet", "data/c.parquet"]
    assert [(commit["run"] or {}).get("run") for commit in table.history()] == ["r2", "r1", None]
    assert FeatureTable.open(uri, version=1).counts() == [("train", "cat", 5, 5)]
    assert DeltaTable(uri).count() == 6


def test_of_two_runs_that_create_the_table_at_once_one_goes_through(tmp_path):
    together = threading.Barrier(2)

    def commit(uri: str, name: str) -> int | None:
        mine = file(open_storage(uri), name, 0, 1)
        together.wait()
        try:
            return commit_change(TableState(uri, None, CONTRACT, SHAPE, EMPTY_KEYS), added(mine))
        except TableMovedError:
            return None

    def added(mine) -> Change:
        return Change([mine], [], {})

    with ThreadPoolExecutor(2) as threads:
        for number in range(12):
            uri = str(tmp_path / f"table{number}")
            versions = set(threads.map(commit, [uri, uri], ["a", "b"]))
            assert versions == {1, None}
            assert FeatureTable.open(uri).counts() == [("train", "cat", 1, 1)]


def test_a_row_twice_is_refused(uri, storage):
    with pytest.raises(CommitRefusedError, match=r"1 rows would be double, among them '0002.jpg'"):
        commit_change(
            state(uri), Change([file(storage, "a", 0, 3), file(storage, "b", 2, 2)], [], {})
        )
    assert FeatureTable.open_if_exists(uri) is None
    commit_change(state(uri), Change([file(storage, "a2", 0, 3)], [], {}))
    with pytest.raises(CommitRefusedError, match="2 rows would be double"):
        commit_change(state(uri), Change([file(storage, "c", 1, 2)], [], {}))
    assert FeatureTable.open(uri).version == 1


def test_another_contract_is_refused(uri, storage):
    other = replace(CONTRACT, interpolation="nearest")
    wrong = file(storage, "a", 0, 3, contract=other.canonical_json())
    with pytest.raises(
        ContractMismatchError, match="interpolation: bilinear in the table, nearest"
    ):
        commit_change(state(uri), Change([wrong], [], {}))
    assert not DeltaTable.is_deltatable(uri)


def test_a_run_of_another_contract_is_refused_whatever_it_thinks_of_the_table(uri, storage):
    commit_change(state(uri), Change([file(storage, "a", 0, 1)], [], {}))
    other = replace(CONTRACT, interpolation="nearest")
    mistaken = replace(state(uri), contract=other)
    added = file(storage, "b", 1, 1, contract=other.canonical_json())
    with pytest.raises(ContractMismatchError, match="interpolation: bilinear in the table"):
        commit_change(mistaken, Change([added], [], {}))
    assert FeatureTable.open(uri).version == 1


def test_another_shape_or_no_rows_are_refused(uri, storage):
    with pytest.raises(CommitRefusedError, match=r"shape \(6,\)"):
        commit_change(state(uri), Change([file(storage, "a", 0, 3, feature_shape=(6,))], [], {}))
    with pytest.raises(CommitRefusedError, match="no rows"):
        commit_change(state(uri), Change([file(storage, "b", 0, 0)], [], {}))


def test_a_commit_planned_on_an_old_version_is_refused(uri, storage):
    before = state(uri)
    commit_change(before, Change([file(storage, "a", 0, 1)], [], {}))
    with pytest.raises(TableMovedError):
        commit_change(before, Change([file(storage, "b", 1, 1)], [], {}))
    stale = state(uri)
    commit_change(stale, Change([file(storage, "c", 2, 1)], [], {}))
    with pytest.raises(TableMovedError):
        commit_change(stale, Change([file(storage, "d", 3, 1)], [], {}))
    assert FeatureTable.open(uri).counts() == [("train", "cat", 2, 2)]


def test_files_slipped_into_the_table_by_others_are_found(uri, storage, tmp_path):
    commit_change(state(uri), Change([file(storage, "a", 0, 1)], [], {}))
    other = replace(CONTRACT, base="VGG19")
    path = "data/a.parquet"
    storage.delete_file(path)
    write(storage, path, [block(0, 1)], receipt(1, contract=other.canonical_json()))
    table = FeatureTable.open(uri)
    with pytest.raises(ContractMismatchError, match="base: VGG16 in the table, VGG19 in data/a"):
        table.check_receipt(path, read_receipt(storage, path))
    assert "its contract has base VGG19, the table's VGG16" in [
        note.what for note in check_files(table)
    ]
    storage.delete_file(path)
    assert [note.what for note in check_files(table)] == ["is missing"]
    with pytest.raises(TableError, match=r"version 1 of .* needs a data file, which is gone"):
        table.keys()


def test_what_is_no_feature_table(uri, tmp_path):
    with pytest.raises(TableError, match="no feature table at"):
        FeatureTable.open(uri)
    DeltaTable.create(uri, EMPTY_KEYS.schema)
    with pytest.raises(TableError, match="not one of features"):
        FeatureTable.open(uri)


def test_a_version_that_is_not_there(uri, storage):
    commit_change(state(uri), Change([file(storage, "a", 0, 1)], [], {}))
    with pytest.raises(TableError, match="has no version 9, only 0 to 1"):
        FeatureTable.open(uri, version=9)


@pytest.mark.parametrize("harm", ["gone", "cut short"])
@pytest.mark.parametrize("first", [True, False], ids=["a table to be made", "a table"])
def test_a_file_that_goes_is_the_other_run_s_doing_where_there_was_one(uri, storage, first, harm):
    """It may have deleted what its own commit made superfluous: then one has to look again."""
    if not first:
        commit_change(state(uri), Change([file(storage, "a", 0, 1)], [], {}))
    planned, mine = state(uri), file(storage, "b", 1, 1)
    if harm == "gone":
        storage.delete_file(mine.path)
    else:
        with storage.open_output_stream(mine.path) as stream:
            stream.write(b"PAR1")
    with pytest.raises(CommitRefusedError, match="changed or went since") as refused:
        commit_change(planned, Change([mine], [], {}))
    assert not isinstance(refused.value, TableMovedError)
    commit_change(planned, Change([file(storage, "c", 1, 1)], [], {}))
    with pytest.raises(TableMovedError, match="another run committed"):
        commit_change(planned, Change([mine], [], {}))


def test_so_is_one_that_goes_while_it_is_read(uri, storage, monkeypatch):
    planned, mine = state(uri), file(storage, "b", 1, 1)

    def gone(*_):
        raise FileNotFoundError(mine.path)

    monkeypatch.setattr("pipelines.table.admission.check_features", gone)
    with pytest.raises(FileNotFoundError):
        commit_change(planned, Change([mine], [], {}))
    monkeypatch.undo()
    commit_change(planned, Change([file(storage, "c", 1, 1)], [], {}))
    monkeypatch.setattr("pipelines.table.admission.check_features", gone)
    with pytest.raises(TableMovedError):
        commit_change(planned, Change([mine], [], {}))
