"""The index of neighbours: what it finds, what it is brought up to, whom it believes."""

import json

import numpy as np
import pytest

import frozen_features as ff
from classifiers import neighbours
from classifiers.nearest import index as index_module
from classifiers.nearest.index import VectorIndex, row_keys
from pipelines.table.feature_table import FeatureTable
from tests.classifiers.tables import add_file, write_table


@pytest.fixture
def made_up(tmp_path):
    return str(write_table(tmp_path / "table", {"train": 4, "test": 2}, ("a", "b")).uri)


@pytest.fixture
def additions(monkeypatch):
    """How many vectors were put into indexes, time by time."""
    found, add = [], VectorIndex.add

    def counted(index, keys, vectors):
        found.append(len(keys))
        add(index, keys, vectors)

    monkeypatch.setattr(VectorIndex, "add", counted)
    return found


def same_as_exact(table, **options):
    """Neighbours by the index, which are held against those of a search of all."""
    for name in ff.load(table, version=options.get("table_version")).ids[::40]:
        found = ff.neighbours(table, id=name, k=7, index=True, **options)
        exact = ff.neighbours(table, id=name, k=7, **options)
        assert found.rows.drop_columns("cosine").equals(exact.rows.drop_columns("cosine"))
        assert found.rows["cosine"].to_numpy() == pytest.approx(exact.rows["cosine"], abs=2e-6)
    return found.index


def test_it_finds_what_a_search_of_all_finds_and_is_built_once(made_up, additions):
    first = ff.neighbours(made_up, id="train/a/000-00.jpg", index=True).index
    assert (first.version, first.added, first.recall, first.measured) == (1, 96, 1.0, 48)
    assert same_as_exact(made_up).added == 0
    assert sum(additions) == 96


def test_of_a_next_version_only_what_is_new_is_added(made_up, additions, capsys):
    same_as_exact(made_up)
    table = FeatureTable.open(made_up)
    gone = table.paths[1]
    random = np.random.default_rng(1)
    add_file(table, "new", "train", random.normal(size=(5, 32)).astype(np.float32), [gone])
    used = ff.neighbours(made_up, id="train/new/003.jpg", index=True).index
    assert (used.version, used.added, used.removed) == (2, 5, 16)
    assert sum(additions) == 96 + 5
    assert "5 images into the index" in capsys.readouterr().err
    same_as_exact(made_up)
    # A version that was there before has what it had.
    same_as_exact(made_up, table_version=1)
    assert sum(additions) == 96 + 5


def test_merging_files_changes_nothing(made_up, additions):
    same_as_exact(made_up)
    ff.tidy(made_up)
    assert FeatureTable.open(made_up).version > 0
    assert same_as_exact(made_up).added == 0
    assert sum(additions) == 96


def test_indexes_of_two_versions_are_kept(made_up, tmp_path):
    for number in range(4):
        ff.neighbours(made_up, id="train/a/000-00.jpg", index=True)
        values = np.random.default_rng(number).normal(size=(2, 32)).astype(np.float32)
        add_file(FeatureTable.open(made_up), f"new{number}", "train", values)
    names = sorted(path.name for path in (tmp_path / "table" / "_neighbours").iterdir())
    assert [name for name in names if name.endswith(".json")] == [f"{n:020d}.json" for n in (3, 4)]
    assert len(names) == 4


@pytest.mark.parametrize("what", ["record", "index", "signature", "key"])
def test_what_this_user_did_not_sign_is_made_anew(
    made_up, tmp_path, additions, monkeypatch, capsys, what
):
    ff.neighbours(made_up, id="train/a/000-00.jpg", index=True)
    (record,) = (tmp_path / "table" / "_neighbours").glob("*.json")
    (index,) = (tmp_path / "table" / "_neighbours").glob("*.usearch")
    if what == "record":
        record.write_text(json.dumps({**json.loads(record.read_text()), "recall": 1.5}))
    elif what == "signature":
        record.write_text("{")
    elif what == "index":
        index.write_bytes(index.read_bytes()[:-1] + b"x")
    else:
        monkeypatch.setenv("FROZEN_FEATURES_CACHE_KEY", str(tmp_path / "another" / "key"))
    monkeypatch.setattr(VectorIndex, "read", lambda *_: pytest.fail("it was believed"))
    assert ff.neighbours(made_up, id="train/a/000-00.jpg", index=True).index.added == 96
    assert "the index of version 1 is made anew" in capsys.readouterr().err
    assert sum(additions) == 2 * 96


def test_what_is_forgotten_is_gone_from_it(made_up, tmp_path, capsys):
    ff.neighbours(made_up, id="train/a/000-00.jpg", index=True)
    ff.forget(made_up, ["train/a/000-00.jpg"])
    assert list((tmp_path / "table" / "_neighbours").iterdir()) == []
    assert (
        "the index of neighbours, which may have held them, is deleted" in capsys.readouterr().err
    )
    assert ff.neighbours(made_up, id="train/a/000-01.jpg", index=True).index.added == 95


def test_a_folder_that_cannot_be_written_costs_time_only(made_up, monkeypatch, capsys):
    def fail(*_args):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("classifiers.nearest.kept._write", fail)
    same_as_exact(made_up)
    assert "the index is not kept, and the next search builds it again" in capsys.readouterr().err


def test_a_search_goes_as_deep_as_recall_asks_and_no_deeper(monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(1000, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = VectorIndex.new(8)
    index.add(row_keys([str(n) for n in range(1000)], ["x"] * 1000), vectors)
    missed, depths = {128: 20, 256: 9, 512: 8}, []

    def search(queries, k):
        depths.append(index.expansion)
        cosines = -np.sort(-(queries @ vectors.T), axis=1)[:, :k]
        cosines[: missed.get(index.expansion, 0), -1] = -1.0
        return cosines, None

    monkeypatch.setattr(index, "_search", search)
    queries = np.roll(vectors[:100], 1, axis=1)
    assert index.measure(queries) == pytest.approx(0.991)
    assert (depths, index.expansion) == ([128, 256], 256)
    # Where none is enough, the first that is hardly worse than the best.
    missed |= {128: 500, 256: 21, 512: 20, 1024: 20, 2048: 20, 4096: 20}
    assert index.measure(queries) == pytest.approx(0.979)
    assert (depths[-1], index.expansion) == (4096, 256)


def test_recall_is_measured_on_images_before_they_are_in_it(made_up, monkeypatch):
    measure, met = VectorIndex.measure, []

    def looked_at(index, queries):
        cosines, _ = index._search(queries, 1)
        met.append((len(queries), float(cosines.max())))
        return measure(index, queries)

    monkeypatch.setattr(VectorIndex, "measure", looked_at)
    first = ff.neighbours(made_up, id="train/a/000-00.jpg", index=True).index
    values = np.random.default_rng(5).normal(size=(130, 32)).astype(np.float32)
    add_file(FeatureTable.open(made_up), "few", "train", values[:20])
    # Of ten images recall cannot be told: that of before stands.
    few = ff.neighbours(made_up, id="train/a/000-00.jpg", index=True).index
    assert (few.added, few.recall, few.measured) == (20, first.recall, 48)
    add_file(FeatureTable.open(made_up), "many", "train", values[20:])
    many = ff.neighbours(made_up, id="train/a/000-00.jpg", index=True).index
    assert (many.added, many.measured) == (110, 55)
    assert [count for count, _ in met] == [48, 10, 55]
    assert max(cosine for _, cosine in met) < 0.999


def test_one_thread_begins_a_graph_and_others_go_on_with_it(monkeypatch):
    class Calls(list):
        def add(self, keys, vectors, threads):
            np.testing.assert_array_equal(vectors[:, 0], keys)
            self.extend([threads] * len(keys))

    monkeypatch.setattr(index_module, "usable_cores", lambda: 8)
    calls, index = Calls(), VectorIndex.new(1)
    monkeypatch.setattr(index, "_index", calls)
    for keys in (np.arange(10), np.arange(10, 1500), np.arange(1500, 1510)):
        index.add(keys.astype(np.uint64), keys[:, None].astype(np.float32))
    assert calls == [1] * 1000 + [8] * 510


def test_keys_tell_images_and_their_bytes_apart():
    keys = row_keys(["a", "a", "b", "a"], ["1", "2", "1", "1"])
    assert len(set(keys.tolist())) == 3
    assert keys[0] == keys[3]


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--split", "train"], "--split has no meaning with --index")],
)
def test_mistakes_get_one_line(made_up, options, message, capsys):
    given = ["--table", made_up, "--id", "train/a/000-00.jpg", "--index", *options]
    assert neighbours.main(given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_without_the_library_one_line_says_what_to_install(made_up, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "usearch", None)
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    given = ["--table", made_up, "--id", "train/a/000-00.jpg", "--index"]
    assert neighbours.main(given) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: usearch is not installed; pip install 'frozen-features[index]' installs it"
    )
