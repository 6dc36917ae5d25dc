"""The accuracy of features is that of scikit-learn's own regression on the same folds."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classifiers.choosing import accuracy
from classifiers.choosing.accuracy import Question, best_linear_head, standardised
from classifiers.data.folds import cut

STRENGTHS = (0.001, 0.1, 1.0)


def question(classes, rows=36):
    random = np.random.default_rng(0)
    targets = np.arange(rows) % classes
    folds = cut(targets, np.arange(rows), np.ones(rows, bool), 3, seed=0)
    return Question(targets, classes, tuple(folds), STRENGTHS), random


@pytest.mark.parametrize(("classes", "length"), [(2, 50), (2, 5), (3, 50), (3, 5)])
def test_it_is_scikit_learn_s(classes, length, monkeypatch):
    monkeypatch.setattr(accuracy, "BLOCK", 7)
    asked, random = question(classes)
    features = random.normal(0, 1, (36, length)) + 0.4 * asked.targets[:, None]
    features = features.astype(np.float32)
    features[:, 0] = 3.0
    found = best_linear_head(features, asked)
    means = []
    for c in STRENGTHS:
        plain = make_pipeline(StandardScaler(), LogisticRegression(C=c, tol=1e-8, max_iter=10_000))
        each = [
            plain.fit(features[fold.train], asked.targets[fold.train]).score(
                features[fold.test], asked.targets[fold.test]
            )
            for fold in asked.folds
        ]
        means.append(np.mean(each))  # equal ones: the strongest regularisation
    assert found.mean == pytest.approx(max(means), abs=1e-12)
    assert found.setting.values["C"] == STRENGTHS[int(np.argmax(np.round(means, 9)))]
    assert found.converged


@pytest.mark.parametrize("length", [200, 10])
def test_blocks_make_what_the_whole_makes(length, monkeypatch):
    asked, random = question(2)
    features = random.normal(5, 3, (36, length)).astype(np.float32)
    fold = asked.folds[0]
    scaler = StandardScaler().fit(features[fold.train].astype(np.float64))
    train = scaler.transform(features[fold.train].astype(np.float64))
    test = scaler.transform(features[fold.test].astype(np.float64))
    monkeypatch.setattr(accuracy, "BLOCK", 17)
    held = standardised(features, fold, asked)
    assert held.by_rows == (length == 200)
    wanted = (train @ train.T, test @ train.T) if held.by_rows else (train, test)
    np.testing.assert_allclose(held.train, wanted[0], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(held.test, wanted[1], rtol=1e-5, atol=1e-4)
