"""k nearest neighbours, against a plain loop and scikit-learn's own."""

import json

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from classifiers.data.training_set import HeldSet
from classifiers.evaluate import main as evaluate
from classifiers.heads import neighbours
from classifiers.heads.knn import FittedKnn, KnnHead
from classifiers.heads.neighbours import blocks_of, nearest, unit_rows
from classifiers.predict import main as predict
from classifiers.train import main as train
from pipelines.errors import ModelError, TableError
from tests.classifiers.tables import write_table


def clouds(classes, rows, seed):
    """Overlapping clouds of points, one a class."""
    random = np.random.default_rng(seed)
    targets = random.permutation(np.arange(rows) % classes)
    centres = np.random.default_rng(99).normal(0, 1.5, (classes, 12))
    features = (centres[targets] + random.normal(0, 1, (rows, 12))).astype(np.float32)
    return HeldSet(features, targets)


def votes_of_a_plain_loop(train, queries, k, temperature, weights):
    found = []
    for query in queries.astype(np.float64):
        cosines = [
            query @ row / (np.linalg.norm(query) * np.linalg.norm(row))
            for row in train.features.astype(np.float64)
        ]
        votes = [0.0] * len(weights)
        for place in sorted(range(len(cosines)), key=lambda each: -cosines[each])[:k]:
            target = train.targets[place]
            votes[target] += weights[target] * np.exp(cosines[place] / temperature)
        found.append([vote / sum(votes) for vote in votes])
    return np.array(found)


@pytest.mark.parametrize("block_bytes", [48 * 7, 2**26])
@pytest.mark.parametrize(("classes", "weight"), [(2, None), (5, {1: 3.0})])
def test_votes_are_those_of_a_plain_loop(classes, weight, block_bytes, monkeypatch, tmp_path):
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", block_bytes)
    learned, queries = clouds(classes, 90, 1), clouds(classes, 40, 2).features
    fitted, history = KnnHead(7, 0.1).fit(learned, None, classes, weight, seed=0)
    assert history == []
    weights = [1.0 if weight is None else weight.get(each, 1.0) for each in range(classes)]
    wanted = votes_of_a_plain_loop(learned, queries, 7, 0.1, weights)
    judged = fitted.judge(queries)
    np.testing.assert_allclose(judged.probabilities, wanted, atol=1e-5)
    np.testing.assert_array_equal(judged.predicted, wanted.argmax(axis=1))

    fitted.save(tmp_path)
    again = FittedKnn.load(tmp_path)
    np.testing.assert_array_equal(again.judge(queries).probabilities, judged.probabilities)
    assert (again.length, again.outputs, again.is_finite()) == (12, classes, True)


def test_it_is_scikit_learn_s(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 48 * 11)
    learned, queries = clouds(4, 200, 3), clouds(4, 100, 4).features
    theirs = KNeighborsClassifier(
        20, metric="cosine", weights=lambda distances: np.exp((1 - distances) / 0.07)
    ).fit(learned.features.astype(np.float64), learned.targets)
    fitted, _ = KnnHead().fit(learned, None, 4, None, seed=0)
    wanted = theirs.predict_proba(queries.astype(np.float64))
    np.testing.assert_allclose(fitted.judge(queries).probabilities, wanted, atol=1e-5)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 9), st.integers(0, 99))
def test_the_nearest_of_blocks_are_those_of_a_sort(rows, block, k, seed):
    k = min(k, rows)
    random = np.random.default_rng(seed)
    vectors = unit_rows(random.integers(-2, 3, (rows, 3)).astype(np.float32))
    queries = unit_rows(random.normal(size=(5, 3)).astype(np.float32))
    blocks = (vectors[start : start + block] for start in range(0, rows, block))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "AT_FIRST", seed % 5 + 1)
        cosines, places = nearest(blocks, queries, k)
    np.testing.assert_allclose(cosines, -np.sort(-(queries @ vectors.T), axis=1)[:, :k], atol=1e-6)
    np.testing.assert_allclose(
        (queries @ vectors.T)[np.arange(5)[:, None], places], cosines, atol=1e-6
    )
    wanted = np.argsort(-np.round(queries @ vectors.T, 6), axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(places, wanted)


def test_large_features_do_not_overflow_and_zeros_are_near_nothing():
    vectors = np.array([[1e30, 0], [0, 0], [3e-30, 4e-30]], np.float32)
    np.testing.assert_allclose(unit_rows(vectors), [[1, 0], [0, 0], [0.6, 0.8]], rtol=1e-6)
    cosines, places = nearest(blocks_of(unit_rows(vectors)), np.array([[0, 1]], np.float32), 3)
    np.testing.assert_allclose(cosines, [[0.8, 0.0, 0.0]], rtol=1e-6)
    assert places.tolist() == [[2, 0, 1]]


@pytest.mark.parametrize("block_bytes", [48 * 3, 48 * 7, 2**26])
def test_equal_images_vote_the_same_however_they_are_read(block_bytes, monkeypatch):
    """Twenty of each of four, whose classes differ: the first five of them vote."""
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", block_bytes)
    vectors = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    targets = np.tile([1, 1, 1, 0], 20)
    head, _ = KnnHead(5).fit(HeldSet(np.repeat(vectors, 20, axis=0), targets), None, 2, None, 0)
    np.testing.assert_allclose(head.judge(vectors).probabilities, [[0.2, 0.8]] * 4)


def test_features_that_are_zero_or_no_numbers(tmp_path, monkeypatch):
    head, _ = KnnHead(3, 1e-320).fit(clouds(2, 30, 1), None, 2, None, seed=0)
    head.save(tmp_path)
    monkeypatch.setattr("classifiers.heads.knn.HELD_BYTES", 0)
    for each in (head, FittedKnn.load(tmp_path)):
        queries = clouds(2, 3, 5).features
        queries[0], queries[1, 4] = 0.0, np.nan
        found = each.judge(queries).probabilities
        np.testing.assert_array_equal(found[:2], [[0.5, 0.5], [np.nan, np.nan]])
        assert found[2].max() == 1.0
    spoilt = clouds(2, 30, 1)
    spoilt.features[4, 2] = np.inf
    with pytest.raises(TableError, match="features of 1 rows are no finite numbers"):
        KnnHead(3).fit(spoilt, None, 2, None, seed=0)


def test_all_features_zero_are_refused():
    with pytest.raises(TableError, match="all features are zero"):
        KnnHead(1).fit(HeldSet(np.zeros((4, 3), np.float32), np.arange(4) % 2), None, 2, None, 0)


def damaged(folder, change):
    with h5py.File(folder / FittedKnn.file_name, "r+") as file:
        change(file)


def elsewhere(file):
    del file["vectors"]
    file.create_dataset("vectors", (30, 12), np.float32, external=[("/etc/hostname", 0, 1440)])


def of_a_class_that_is_none(file):
    file["targets"][3] = 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.pop("targets"), "no model of nearest neighbours"),
        (lambda file: file.attrs.modify("k", 31), "do not fit together"),
        (of_a_class_that_is_none, "do not fit together"),
        (elsewhere, "in another file"),
    ],
)
def test_a_damaged_model_is_told(change, message, tmp_path):
    fitted, _ = KnnHead(3).fit(clouds(2, 30, 1), None, 2, None, seed=0)
    fitted.save(tmp_path)
    damaged(tmp_path, change)
    with pytest.raises(ModelError, match=message):
        FittedKnn.load(tmp_path)


def test_the_commands(tmp_path, capsys):
    table = write_table(tmp_path / "t", {"train": 8, "validation": 4, "test": 4}, ("cat", "dog"))
    where, model = ["--table", table.uri], str(tmp_path / "knn")
    options = ["--model", model, "--head", "knn", "--k", "5"]
    assert train([*where, *options]) == 0
    assert evaluate([*where, "--model", model, "--json", str(tmp_path / "held")]) == 0
    streamed = str(tmp_path / "streamed")
    given = [*options, "--model", streamed, "--memory", "20KB"]
    assert train([*where, *given]) == 0
    assert json.loads((tmp_path / "streamed/card.json").read_text())["streamed_within"] == 20_000
    assert evaluate([*where, "--model", streamed, "--json", str(tmp_path / "streamed.json")]) == 0
    found = json.loads((tmp_path / "held").read_text())
    assert found["accuracy"] > 0.8
    assert json.loads((tmp_path / "streamed.json").read_text())["accuracy"] == found["accuracy"]
    assert predict([*where, "--model", model, "--output", str(tmp_path / "p.parquet")]) == 0
    capsys.readouterr()
    assert train([*where, "--model", str(tmp_path / "n"), "--head", "knn", "--k", "129"]) == 2
    assert "--k 129 neighbours are more than the 128 rows" in capsys.readouterr().err
    assert not (tmp_path / "n").exists()
