"""The accuracies promised, on real photographs with real ImageNet weights."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import classifiers
from classifiers import evaluate, train
from classifiers.auditing.directions import take_roots
from classifiers.auditing.labels import judge_labels
from classifiers.auditing.rows import audited_rows, pooled_features
from classifiers.data.memory import default_budget
from pipelines.table.feature_table import FeatureTable
from tests.classifiers.history import read_history
from tests.photographs import run_extract, some_photographs

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3000)]

ONE_ENGINE = ("--engine", "ncnn")
"""So that no engines race: tests/test_extraction_limits.py has that."""


@pytest.fixture(autouse=True)
def _own_cache(_session_cache: None) -> None:
    """One cache for all of this module: the engines race and are converted once."""


@pytest.fixture(scope="module")
def imagenet_table(photographs, imagenet_weights, tmp_path_factory):
    """Of all there is to train and test on, what the project makes by default but for the race."""
    folder = tmp_path_factory.mktemp("imagenet")
    parts = {"train": 1000, "validation": 150, "test": 500}
    images = some_photographs(photographs, folder / "images", **parts)
    return run_extract(images, imagenet_weights, folder / "features", *ONE_ENGINE)


@pytest.fixture(scope="module")
def book_table(photographs, imagenet_weights, tmp_path_factory):
    """What is trained and validated on, with the book's preprocessing."""
    folder = tmp_path_factory.mktemp("book")
    images = some_photographs(photographs, folder / "images", train=500, validation=150)
    options = ["--preprocessing", "rescale", "--interpolation", "nearest", *ONE_ENGINE]
    return run_extract(images, imagenet_weights, folder / "features", *options)


def validation_accuracy(table: Path, model: Path, head: str, *more: str) -> float:
    """Train a head; returns its accuracy on validation."""
    options = ["--table", str(table), "--model", str(model), "--head", head]
    assert train.main([*options, *more]) == 0
    card = json.loads((model / "card.json").read_text())
    return card["metrics"]["validation"]["accuracy"]


def accuracies(table: Path, folder: Path, head: str) -> tuple[float, float]:
    """Train a head; returns its accuracy on validation and test."""
    model, result = folder / head, folder / "result.json"
    validation = validation_accuracy(table, model, head)
    options = ["--table", str(table), "--model", str(model), "--json", str(result)]
    assert evaluate.main(options) == 0
    return validation, json.loads(result.read_text())["accuracy"]


def test_the_dense_head(imagenet_table, tmp_path):
    """One seed; docs/literature.md has three, of 0.964 to 0.974 on validation."""
    validation, test = accuracies(imagenet_table, tmp_path, "dense")
    print(f"dense: validation {validation:.4f}, test {test:.4f}")
    assert validation >= 0.96
    assert test >= 0.950


@pytest.mark.parametrize(
    ("head", "least"), [("logistic", 0.945), ("linear_svm", 0.94), ("rbf_svm", 0.94)]
)
def test_the_baselines(imagenet_table, tmp_path, head, least):
    validation, test = accuracies(imagenet_table, tmp_path, head)
    print(f"{head}: validation {validation:.4f}, test {test:.4f}")
    assert test >= least


def test_fine_tuning_gains_on_its_own_head(photographs, imagenet_weights, tmp_path):
    """On a part of the photographs; docs/literature.md has the figures of all of them."""
    images = some_photographs(photographs, tmp_path / "images", train=150, validation=100)
    weights = ["--weights", str(imagenet_weights)]
    options = ["--layer", "block4_pool", *ONE_ENGINE]
    table = run_extract(images, imagenet_weights, tmp_path / "block4", *options)
    model = tmp_path / "finetune"
    short = ["--head_epochs", "4", "--epochs", "2", "--learning_rate", "0.00005"]
    tuned = validation_accuracy(table, model, "finetune", *weights, *short)
    epochs = [float(row["val_accuracy"]) for row in read_history(model)]
    before, best = epochs[3], max(epochs[4:])
    print(f"fine-tuning: validation {before:.4f} before, {best:.4f} at best, {tuned:.4f} at last")
    assert best >= max(before + 0.02, 0.9)
    assert tuned >= 0.88  # of 300 photographs an epoch may lose a dozen


def test_pooling_and_softmax(imagenet_table, tmp_path):
    validation, test = accuracies(imagenet_table, tmp_path, "softmax")
    print(f"softmax: validation {validation:.4f}, test {test:.4f}")
    assert test >= 0.955


def test_the_book_s_about_90_percent(book_table, tmp_path):
    found = validation_accuracy(book_table, tmp_path / "dense", "dense")
    print(f"dense on 1/255 and nearest: validation {found:.4f}")
    assert 0.89 <= found <= 0.92


def test_the_stored_features_are_small(imagenet_table):
    data = sum(path.stat().st_size for path in (imagenet_table / "data").glob("*.parquet"))
    raw = 4 * 8192 * FeatureTable.open(str(imagenet_table)).keys().num_rows
    print(f"{data / raw:.3f} of the raw size")
    assert data <= 0.21 * raw


def test_flipped_labels_are_found_and_accuracy_is_won_back(imagenet_table):
    rows = audited_rows(FeatureTable.open(str(imagenet_table)), None)
    budget = default_budget()
    roots = pooled_features(rows.rows, budget)
    take_roots(roots)
    features = classifiers.load(str(imagenet_table)).features
    train = np.flatnonzero(np.array(rows.splits) == "train")
    test = np.flatnonzero(np.array(rows.splits) == "test")
    true = np.array(rows.labels)
    places = {name: place for place, name in enumerate(rows.ids)}
    everything = np.ones(len(true), bool)

    def accuracy(labels):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
        model.fit(features[train], labels[train])
        return model.score(features[test], true[test])

    def audited(share, seed):
        flipped = np.random.default_rng(seed).choice(train, round(share * len(train)), False)
        labels = true.copy()
        labels[flipped] = np.where(true[flipped] == "cats", "dogs", "cats")
        given = replace(rows, labels=tuple(labels.tolist()))
        units = np.arange(len(true))
        found = judge_labels(given, roots, everything, units, (), seed, budget).suspects
        return flipped, labels, [each for each in found if each.split == "train"]

    precisions = []
    for seed in range(3):
        flipped, _, suspects = audited(0.05, seed)
        named = [places[each.image_id] for each in suspects[: len(flipped)]]
        precisions.append(np.isin(named, flipped).mean())
    print("precision at the number flipped:", precisions)
    assert np.mean(precisions) >= 0.85
    _, labels, suspects = audited(0.2, 0)
    again = labels.copy()
    for each in suspects:
        if each.confident:
            again[places[each.image_id]] = each.suggested
    clean, noisy, relabelled = accuracy(true), accuracy(labels), accuracy(again)
    print(f"accuracy {clean:.4f} clean, {noisy:.4f} noisy, {relabelled:.4f} relabelled")
    assert relabelled - noisy >= (clean - noisy) / 2
