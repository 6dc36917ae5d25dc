"""Poolings of stored maps, nearest neighbours and ridge: searched, and kept by the model."""

import json

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

import classifiers
from classifiers import evaluate, search, train
from classifiers.data.memory import default_budget
from classifiers.data.training_set import HeldSet
from classifiers.from_features.refitting import RefitJob, training_of
from classifiers.heads.knn import KnnHead
from classifiers.heads.pooling import PooledHead, Pooling
from classifiers.heads.scikit import ScikitHead
from classifiers.models.card import card_from_json
from classifiers.models.folder import load_model
from classifiers.models.targets import target_at
from classifiers.models.versions.names import ModelName
from tests.classifiers.tables import LENGTH, write_table

SHAPE = (2, 2, LENGTH // 4)
POOLS = {"avg": np.mean, "max": np.max}


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps") / "table"
    write_table(folder, {"train": 6, "validation": 4}, ("a", "b"), SHAPE)
    return str(folder)


def pooled(table, split, pooling):
    part = classifiers.load(table, split)
    features = part.features.reshape(len(part.features), 4, LENGTH // 4)
    if pooling in POOLS:
        return POOLS[pooling](features, axis=1), part.labels == "b"
    return part.features, part.labels == "b"


def run(table, tmp_path, *more):
    result = tmp_path / "result.json"
    assert search.main(["--table", table, *more, "--json", str(result)]) == 0
    return json.loads(result.read_text())


@pytest.mark.acceptance
def test_poolings_are_scored_as_pooled_features_are(maps, tmp_path):
    said = run(
        *(maps, tmp_path, "--validation", "--heads", "ridge,knn", "--poolings", "none,avg,max"),
        *("--scalers", "none", "--C", "1e-4,0.1", "--k", "1,7", "--temperature", "0.07,0.5"),
    )
    assert len(said["findings"]) == 3 * (2 + 4)
    for each in said["findings"]:
        setting, values = each["setting"], each["setting"]["values"]
        train_part, labels = pooled(maps, "train", setting["pooling"])
        test_part, expected = pooled(maps, "validation", setting["pooling"])
        if setting["head"] == "ridge":
            model = RidgeClassifier(alpha=1 / values["C"]).fit(train_part, labels)
            predicted = model.predict(test_part)
        else:
            rows, queries = (
                x / np.linalg.norm(x, axis=1)[:, None] for x in (train_part, test_part)
            )
            predicted = []
            for query in queries:
                cosines = rows @ query
                near = np.argsort(-cosines)[: values["k"]]
                votes = np.exp(cosines[near] / values["temperature"])
                predicted.append(votes[labels[near]].sum() > votes[~labels[near]].sum())
        assert each["mean"] == pytest.approx(np.mean(np.array(predicted) == expected), abs=1e-9)
    assert len({each["mean"] for each in said["findings"]}) > 5


def test_the_model_of_the_best_pools_as_it_was_searched(maps, tmp_path, capsys):
    model = tmp_path / "model"
    said = run(
        *(maps, tmp_path, "--validation", "--heads", "logistic", "--poolings", "max"),
        *("--C", "0.01", "--model", str(model)),
    )
    loaded = load_model(model)
    assert loaded.card.pooled == Pooling("max", 4)
    assert loaded.head.length == LENGTH
    assert loaded.card.metrics["validation"]["accuracy"] == said["best"]["mean"]
    assert "best: --head logistic --pooling max --scaler standardise --C 0.01:" in (
        capsys.readouterr().out
    )
    measured = tmp_path / "measured.json"
    options = ["--model", str(model), "--table", maps, "--split", "validation"]
    assert evaluate.main([*options, "--json", str(measured)]) == 0
    assert json.loads(measured.read_text())["accuracy"] == said["best"]["mean"]
    target, budget = target_at(str(tmp_path / "to"), overwrite=False), default_budget()
    follows = RefitJob(ModelName(str(model)), target, None, budget)
    assert training_of(loaded.card, "it", follows).pooling == "max"
    again = tmp_path / "again"
    options = ["--head", "logistic", "--C", "0.01", "--pooling", "max", "--model", str(again)]
    assert train.main(["--table", maps, *options]) == 0
    features = classifiers.load(maps, "validation").features
    np.testing.assert_array_equal(
        load_model(again).judge(features).scores, loaded.judge(features).scores
    )


def test_a_card_that_pools_in_no_known_way_is_refused(maps, tmp_path):
    model = tmp_path / "model"
    options = ["--head", "ridge", "--pooling", "avg", "--model", str(model)]
    assert train.main(["--table", maps, *options]) == 0
    text = (model / "card.json").read_text()
    assert card_from_json(text.encode()).pooled == Pooling("avg", 4)
    for wrong in ('"avg"', '"sum"'), ('"places": 4', '"places": 0'):
        with pytest.raises(ValueError, match="this version knows avg, max"):
            card_from_json(text.replace(*wrong).encode())


@pytest.mark.acceptance
@pytest.mark.parametrize("pooling", POOLS)
def test_a_pooled_head_as_a_network_says_the_same(pooling):
    random = np.random.default_rng(5)
    stored = random.normal(0, 1, (30, LENGTH)).astype(np.float32)
    part = POOLS[pooling](stored.reshape(30, 4, -1), axis=1)
    head, _ = ScikitHead("linear_svm", 0.1).fit(HeldSet(part, np.arange(30) % 3), None, 3, None, 0)
    found = PooledHead(head, Pooling(pooling, 4))
    answers = found.as_network()
    assert answers.gives == "scores"
    np.testing.assert_allclose(
        answers.network.predict(stored), found.judge(stored).scores, atol=1e-4
    )


@pytest.mark.parametrize("pooling", POOLS)
def test_a_pooled_head_is_the_head_on_pooled_features(pooling):
    random = np.random.default_rng(3)
    stored = random.normal(0, 1, (20, LENGTH)).astype(np.float32)
    part = POOLS[pooling](stored.reshape(20, 4, -1), axis=1)

    head, _ = KnnHead(k=3).fit(HeldSet(part, np.arange(20) % 2), None, 2, None, 0)
    found = PooledHead(head, Pooling(pooling, 4))
    assert (found.length, found.input_shape, found.outputs) == (LENGTH, (LENGTH,), 2)
    np.testing.assert_allclose(found.judge(stored).scores, head.judge(part).scores, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--heads", "knn", "--k", "78"], "--k 78 neighbours are more than the 76 images"),
        (["--units", "8"], "--units is for dense; name one in --heads"),
        (["--poolings", "sum"], "no pooling 'sum', there are none, avg, max"),
        (["--heads", "knn", "--k", "0"], "'0' is not a whole number above 0"),
    ],
)
def test_mistakes_get_one_line(maps, capsys, options, said):
    assert search.main(["--table", maps, *options]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_what_is_pooled_already_is_refused(tmp_path, capsys):
    table = tmp_path / "table"
    write_table(table, {"train": 2}, ("a", "b"))
    said = "pools maps with height and width, and"
    assert search.main(["--table", str(table), "--poolings", "none,avg"]) == 2
    assert f"--poolings avg {said}" in capsys.readouterr().err
    options = ["--head", "ridge", "--pooling", "max", "--model", str(tmp_path / "model")]
    assert train.main(["--table", str(table), *options]) == 2
    assert f"--pooling max {said}" in capsys.readouterr().err
    assert train.main(["--table", str(table), "--head", "finetune", *options[2:]]) == 2
    assert "--pooling max leaves no maps" in capsys.readouterr().err
