"""Heads and augmented copies: one row of an image an epoch, and measures on images alone."""

import json
import shutil
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifiers
from classifiers import evaluate, train
from classifiers.data.copies import image_rows
from classifiers.data.encoding import classes_of
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import hold, labelled_rows
from classifiers.heads import dense_epochs
from classifiers.heads.dense import DenseHead
from pipelines.driver import extract
from pipelines.table.feature_table import FeatureTable

COPIES = 3


@pytest.fixture(scope="module")
def copied(dataset, make_job, tmp_path_factory):
    """24 images of each class to train on with three copies each, 10 of each to validate and test.

    The copies lie in files of two runs.
    """
    where = tmp_path_factory.mktemp("copied") / "features"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROZEN_FEATURES_CACHE", str(where.parent / "cache"))
        for copies in (1, COPIES):
            extract(make_job(dataset, where, shard_rows=16, engine="keras", copies=copies))
    return where


@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=20))
def test_the_rows_of_each_image_are_found(counts):
    ids = [f"{n:02d}" for n, count in enumerate(counts) for _ in range(count)]
    copies = [copy for count in counts for copy in range(count)]
    found = image_rows(pa.table({"image_id": ids, "copy": pa.array(copies, pa.int32())}))
    if max(counts) == 1:
        assert found is None
        return
    assert [ids[place] for place in found.first] == [f"{n:02d}" for n in range(len(counts))]
    assert [copies[place] for place in found.first] == [0] * len(counts)
    assert found.count.tolist() == counts
    drawn = found.draw(np.random.default_rng(0))
    assert [ids[place] for place in drawn] == [f"{n:02d}" for n in range(len(counts))]


def test_every_row_of_an_image_is_as_likely_as_another():
    keys = {"image_id": list("aaaab"), "copy": pa.array([0, 1, 2, 3, 0], pa.int32())}
    rows = image_rows(pa.table(keys))
    random = np.random.default_rng(3)
    drawn = Counter(tuple(rows.draw(random)) for _ in range(4000))
    assert set(drawn) == {(place, 4) for place in range(4)}
    assert all(900 < count < 1100 for count in drawn.values())


def training_set(copied, copies=None):
    table = FeatureTable.open(str(copied))
    rows = find_rows(table, "train", copies)
    return labelled_rows(rows, classes_of(rows.labels()), "train")


@pytest.mark.acceptance
@pytest.mark.parametrize("streams", [False, True])
def test_an_epoch_takes_one_row_of_each_image(copied, monkeypatch, streams):
    streamed = training_set(copied)
    ids = np.array(streamed.rows.keys["image_id"].to_pylist())
    epochs = []

    def fit(places, targets, **settings):
        np.testing.assert_array_equal(targets, streamed.targets[places])
        epochs.append(places)
        return SimpleNamespace(history={"loss": [0.5], "accuracy": [0.5]})

    def note(drawn, *_args):
        of = drawn.rows.keys
        rows = list(zip(of["image_id"].to_pylist(), of["copy"].to_pylist(), strict=True))
        all_of = streamed.rows.keys
        known = zip(all_of["image_id"].to_pylist(), all_of["copy"].to_pylist(), strict=True)
        place = {row: number for number, row in enumerate(known)}
        places = np.array([place[row] for row in rows])
        np.testing.assert_array_equal(drawn.targets, streamed.targets[places])
        epochs.append(places)
        return shuffled(drawn, *_args)

    shuffled = dense_epochs.shuffled_batches
    head = DenseHead(units=2, epochs=6)
    if streams:
        monkeypatch.setattr(dense_epochs, "shuffled_batches", note)
        head.fit(streamed, None, 2, None, seed=1)
    else:
        monkeypatch.setattr(dense_epochs, "_fed_by_place", lambda *_args: SimpleNamespace(fit=fit))
        head.fit(hold(streamed), None, 2, None, seed=1)
    assert len(epochs) == 6
    for places in epochs:
        assert sorted(ids[places]) == sorted(set(ids))
    assert len({tuple(places) for places in epochs}) == 6
    copies = np.array(streamed.rows.keys["copy"].to_pylist())
    assert set(copies[np.concatenate(epochs)]) == {0, 1, 2, 3}


@pytest.mark.acceptance
def test_without_copies_a_training_is_what_it_is_on_a_table_without(copied, table, tmp_path):
    for name, where, more in (("one", table, []), ("other", copied, ["--copies", "0"])):
        command = ["--table", str(where), "--head", "dense", "--units", "8", "--epochs", "2"]
        assert train.main([*command, "--model", str(tmp_path / name), *more]) == 0
    histories = [(tmp_path / name / "history.csv").read_text() for name in ("one", "other")]
    assert histories[0] == histories[1]


def test_more_copies_than_there_are_train_on_those_and_say_so(copied, tmp_path, capsys):
    command = ["--table", str(copied), "--head", "logistic", "--copies", "4"]
    assert train.main([*command, "--model", str(tmp_path / "model")]) == 0
    said = capsys.readouterr().err
    assert "this version of the table has 3 copies of an image at most, not 4" in said
    assert "192 rows to train on" in said


@pytest.mark.acceptance
@pytest.mark.parametrize("head", ["dense --epochs=1", "logistic"])
def test_the_card_tells_of_copies_and_measures_are_of_images(copied, tmp_path, capsys, head):
    model, result = tmp_path / "model", tmp_path / "result.json"
    command = ["--table", str(copied), "--model", str(model)]
    assert train.main([*command, "--head", *head.split()]) == 0
    said = capsys.readouterr().err
    assert "192 rows to train on" in said
    assert "copies of an image at most" not in said
    card = json.loads((model / "card.json").read_text())
    assert card["rows"] == {"train": 48, "validation": 20}
    assert card["metrics"]["train"]["images"] == 48
    assert (card["copies"], card["augmentation"]["rotation"]) == (COPIES, 40.0)
    assert evaluate.main([*command, "--split", "train", "--json", str(result)]) == 0
    assert json.loads(result.read_text())["images"] == 48
    shutil.rmtree(model)
    assert train.main([*command, "--head", *head.split(), "--copies", "2"]) == 0
    assert "144 rows to train on" in capsys.readouterr().err
    assert json.loads((model / "card.json").read_text())["copies"] == 2


@pytest.mark.acceptance
def test_the_same_seed_draws_the_same_copies(copied):
    held = hold(training_set(copied))
    head = DenseHead(units=4, epochs=3, learning_rate=0.01)
    histories = [head.fit(held, None, 2, None, seed)[1] for seed in (5, 5, 6)]
    assert histories[0] == histories[1]
    assert histories[0] != histories[2]


def test_linear_heads_are_fitted_to_all_copies_held_or_streamed(copied):
    from classifiers.heads.scikit import ScikitHead

    streamed, head = training_set(copied), ScikitHead("logistic", 1e-3)
    held = hold(streamed)
    fitted = [head.fit(each, None, 2, None, 0)[0] for each in (held, streamed)]
    scores = [each.judge(held.features).scores for each in fitted]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-2, atol=1e-3)
    alone, _ = head.fit(hold(training_set(copied, 0)), None, 2, None, 0)
    assert np.abs(alone.judge(held.features).scores - scores[0]).max() > 0.05


def test_loading_gives_images_and_copies_only_when_asked(copied, table):
    plain = classifiers.load(str(table), split="train")
    images = classifiers.load(str(copied), split="train")
    np.testing.assert_array_equal(images.ids, plain.ids)
    np.testing.assert_array_equal(images.features, plain.features)
    every = classifiers.load(str(copied), split="train", copies=None)
    assert len(every.ids) == 48 * (1 + COPIES)
    assert set(Counter(every.ids).values()) == {1 + COPIES}
    np.testing.assert_array_equal(every.features[:: 1 + COPIES], images.features)
    assert len(classifiers.load(str(copied), copies=1).ids) == 48 * 2 + 40


def test_images_of_a_streamed_set_are_given_once(copied):
    streamed = training_set(copied)
    features = np.concatenate([batch for batch, _ in streamed.image_batches()])
    held = hold(streamed)
    expected = np.concatenate([batch for batch, _ in held.image_batches()])
    np.testing.assert_array_equal(np.sort(features, axis=0), np.sort(expected, axis=0))
    assert len(features) == 48
    assert streamed.only(np.array([3, 1])).targets.tolist() == streamed.targets[[1, 3]].tolist()
