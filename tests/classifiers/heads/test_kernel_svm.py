"""Decisions by matrix products are scikit-learn's own."""

import numpy as np
import pytest
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from classifiers.heads import kernel_svm
from classifiers.heads.kernel_svm import decision_function


def clouds(classes: int, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping clouds of points, the later classes rarer."""
    random = np.random.default_rng(seed)
    targets = np.minimum(random.geometric(0.4, rows) - 1, classes - 1)
    centres = np.random.default_rng(99).normal(0, 1, (classes, 20))
    return (centres[targets] + random.normal(0, 1, (rows, 20))).astype(np.float32), targets


@pytest.fixture(params=[64 * 2**20, 8 * 500], ids=["at once", "in parts"], autouse=True)
def _room(request, monkeypatch):
    monkeypatch.setattr(kernel_svm, "ROOM", request.param)


@pytest.mark.parametrize("scalers", [[], [StandardScaler()], [Normalizer()]], ids=len)
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_of_classes(classes, scalers):
    pipeline = make_pipeline(*scalers, SVC(C=3.0, class_weight="balanced", break_ties=True))
    pipeline.fit(*clouds(classes, 300, 1))
    features, _ = clouds(classes, 101, 2)
    expected = pipeline.decision_function(features)
    decided = decision_function(pipeline, features)
    np.testing.assert_allclose(decided, expected, rtol=1e-9, atol=1e-11)
    if classes > 2:
        np.testing.assert_array_equal(decided.argmax(axis=1), pipeline.predict(features))


@pytest.mark.filterwarnings("ignore:Label .* is present in all:UserWarning")
@pytest.mark.parametrize("labels", [1, 4])
def test_of_labels_also_one_that_no_image_has(labels):
    features, targets = clouds(3, 200, 1)
    had = np.stack([(targets >= k) & (k < 3) for k in range(labels)], axis=1).astype(int)
    pipeline = make_pipeline(StandardScaler(), OneVsRestClassifier(SVC()))
    pipeline.fit(features, had)
    asked, _ = clouds(3, 50, 2)
    expected = pipeline.decision_function(asked)
    decided = decision_function(pipeline, asked).reshape(expected.shape)
    np.testing.assert_allclose(decided, expected, rtol=1e-9, atol=1e-11)


def test_of_pairs_that_neither_class_wins():
    """Exactly between two classes scikit-learn has the first win."""
    features = np.array([[-1.0, 0], [1, 0], [0, 5], [0, -5]], np.float32)
    pipeline = make_pipeline(SVC(gamma=1.0)).fit(features, [0, 1, 2, 3])
    between = np.zeros((1, 2), np.float32)
    expected = pipeline.decision_function(between)
    np.testing.assert_allclose(decision_function(pipeline, between), expected, atol=1e-12)


def test_of_what_is_no_kernel_svm():
    features, targets = clouds(3, 200, 1)
    pipeline = make_pipeline(StandardScaler(), LinearSVC()).fit(features, targets)
    expected = pipeline.decision_function(features)
    np.testing.assert_array_equal(decision_function(pipeline, features), expected)
