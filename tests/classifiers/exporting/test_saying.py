"""An exported model's probabilities are calibrated as the product's are, sure ones too."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from classifiers.exporting.saying import said
from classifiers.heads.scikit import FittedScikit
from classifiers.models.deciding import Decided
from classifiers.models.decisions import Decisions

TEMPERATURES = (0.3, 4.0, 30.0)


def fitted(classifier, classes, spread):
    random = np.random.default_rng(classes)
    targets = np.arange(120) % classes
    features = (random.normal(size=(120, 6)) + spread * np.eye(6)[targets]).astype(np.float32)
    return FittedScikit(
        make_pipeline(StandardScaler(), classifier).fit(features, targets)
    ), features


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("spread", [1.0, 40.0])
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_a_temperature(classes, spread, temperature, tmp_path):
    head, features = fitted(LogisticRegression(C=100.0), classes, spread)
    decisions = Decisions("validation", 10, temperature=temperature)
    wanted = Decided(head, decisions).judge(features).probabilities
    answers = said(head.as_network(), decisions)
    np.testing.assert_allclose(np.asarray(answers.network(features)), wanted, atol=1e-5)
    answers.network.save(tmp_path / "n.keras")
    again = keras.models.load_model(tmp_path / "n.keras")
    np.testing.assert_allclose(np.asarray(again(features)), wanted, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 4])
def test_sigmoids(classes):
    head, features = fitted(LinearSVC(C=1.0), classes, 1.0)
    lines = tuple((1.5 + k, 0.2 * k - 0.3) for k in range(1 if classes == 2 else classes))
    decisions = Decisions("validation", 10, sigmoids=lines)
    judged = Decided(head, decisions).judge(features)
    answers = said(head.as_network(), decisions)
    assert answers.gives == "probabilities"
    found = np.asarray(answers.network(features))
    np.testing.assert_allclose(found, judged.probabilities, atol=1e-5)
    assert np.ptp(found) > 0.5
