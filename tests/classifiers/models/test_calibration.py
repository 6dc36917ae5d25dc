"""Temperature and sigmoids against a plain minimisation, and against scikit-learn's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.svm import LinearSVC

from classifiers.heads.head import Judgement
from classifiers.heads.odds import log_odds
from classifiers.models.calibration import calibrated, fit_sigmoids, fit_temperature
from classifiers.models.decisions import Decisions
from classifiers.models.evaluation import evaluate
from pipelines.errors import ModelError


def sure_logits(seed: int, classes: int, images: int = 400, times: float = 4.0):
    """Logits that are `times` too sure, and true classes drawn by the right probabilities."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (images, classes))
    shares = softmax(logits, axis=1)
    targets = (shares.cumsum(axis=1) < random.uniform(size=(images, 1))).sum(axis=1)
    return times * logits, np.minimum(targets, classes - 1)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.floats(0.2, 20.0))
def test_the_temperature_is_that_of_a_plain_minimisation(seed, classes, times):
    logits, targets = sure_logits(seed, classes, times=times)

    def loss(logarithm):
        said = log_softmax(logits / np.exp(logarithm[0]), axis=1)
        return -said[np.arange(len(targets)), targets].mean()

    found = fit_temperature(log_odds(logits), targets)
    plain = minimize(loss, [np.log(times)], method="Nelder-Mead", options={"xatol": 1e-8})
    assert found == pytest.approx(np.exp(plain.x[0]), rel=1e-4)
    assert loss([np.log(found)]) <= plain.fun + 1e-12


def test_a_temperature_halves_the_loss_of_a_head_that_is_too_sure():
    (logits, targets), (new, wanted) = (sure_logits(seed, 3, 2000, 8.0) for seed in (1, 2))
    found = Decisions("validation", 2000, temperature=fit_temperature(log_odds(logits), targets))
    own = Judgement.of_logits(new)
    before, after = (
        evaluate(wanted, each, ("a", "b", "c")) for each in (own, calibrated(own, found))
    )
    assert after.log_loss < before.log_loss / 2
    assert after.further.calibration_error < 0.03 < 0.2 < before.further.calibration_error
    assert (after.accuracy, after.roc_auc) == (before.accuracy, pytest.approx(before.roc_auc, 0.02))


@pytest.mark.parametrize(
    ("logits", "targets"),
    [
        (np.array([[3.0, 0.0], [0.0, 1.0]]), [0, 1]),  # all right: the surer, the better
        (np.array([[3.0, 0.0], [0.0, 1.0]]), [1, 0]),  # all wrong
        (np.zeros((4, 3)), [0, 1, 2, 0]),  # nothing told at all
    ],
)
def test_where_no_temperature_is_best_there_is_none(logits, targets):
    assert fit_temperature(log_odds(logits), np.array(targets)) is None


def test_logits_of_any_size_have_a_temperature():
    logits, targets = sure_logits(3, 4)
    plain = fit_temperature(log_odds(logits), targets)
    for factor in (1e-6, 1e4):
        found = fit_temperature(log_odds(factor * logits), targets)
        assert found == pytest.approx(factor * plain, rel=1e-6)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_sigmoids_are_those_of_scikit_learn(classes):
    random = np.random.default_rng(classes)
    centres = random.normal(0, 1, (classes, 6))
    targets = np.arange(300) % classes
    inputs = centres[targets] + random.normal(0, 1.2, (300, 6))
    svm = LinearSVC(random_state=0).fit(inputs[:150], targets[:150])
    wanted = CalibratedClassifierCV(FrozenEstimator(svm), method="sigmoid")
    wanted.fit(inputs[150:], targets[150:])
    decided = svm.decision_function(inputs)
    scores = np.column_stack([-decided, decided]) if classes == 2 else decided
    sigmoids = fit_sigmoids(scores[150:], targets[150:])
    told = calibrated(
        Judgement(scores.argmax(axis=1), scores, None), Decisions("v", 150, sigmoids=sigmoids)
    )
    np.testing.assert_allclose(told.probabilities, wanted.predict_proba(inputs), atol=2e-4)
    np.testing.assert_allclose(told.probabilities.sum(axis=1), 1.0)
    assert (told.predicted == told.probabilities.argmax(axis=1)).all()
    assert told.scores is scores


@pytest.mark.parametrize("scores", [[-1.0, -2.0, 1.0, 2.0], [5.0] * 4, [-1e9, -2e9, 1e9, 2e9]])
def test_sigmoids_are_finite_where_classes_are_told_apart_or_not_at_all(scores):
    values = np.array(scores)
    ((slope, offset),) = fit_sigmoids(np.column_stack([-values, values]), np.array([0, 0, 1, 1]))
    assert np.isfinite([slope, offset]).all()
    of_second = 1 / (1 + np.exp(-(slope * values + offset)))
    wanted = [0.5] * 4 if len(set(scores)) == 1 else [0.25, 0.25, 0.75, 0.75]
    np.testing.assert_allclose(of_second, wanted, atol=0.2)


def test_what_a_head_says_stays_what_it_is_without_a_calibration():
    own = Judgement.of_logits(np.array([[2.0, 1.0]]))
    assert calibrated(own, None) is own
    assert calibrated(own, Decisions("v", 9, coverage=0.9, least=0.0)) is own


def test_a_temperature_keeps_the_class_and_scores_that_are_distances():
    logits = np.array([[700.0, -700.0], [1e-18, 2e-18]])
    own = Judgement.of_logits(logits, scores=logits)
    told = calibrated(own, Decisions("v", 9, temperature=70.0))
    assert told.scores is logits
    assert told.uncalibrated is own.log_odds
    assert (told.predicted == own.predicted).all()
    np.testing.assert_allclose(told.log_odds[0], [20.0, -20.0])
    network = Judgement.of_logits(logits)
    told = calibrated(network, Decisions("v", 9, temperature=70.0))
    assert told.scores is told.probabilities


def test_a_temperature_on_a_head_without_logits_is_refused():
    with pytest.raises(ModelError, match="a temperature, and it has no logits"):
        calibrated(Judgement(np.array([0]), np.eye(2)[:1], None), Decisions("v", 9, temperature=2))
