"""Log odds of classes hold what probabilities lose, and are theirs where these do not saturate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_softmax, softmax
from sklearn import metrics

from classifiers.heads.head import Judgement
from classifiers.heads.odds import log_odds, probability
from classifiers.models.evaluation import evaluate

logits = st.integers(2, 6).flatmap(
    lambda classes: arrays(
        np.float64, st.tuples(st.integers(2, 30), st.just(classes)), elements=st.floats(-1e3, 1e3)
    )
)


@given(logits)
def test_they_are_those_of_softmax(values):
    odds = log_odds(values)
    np.testing.assert_allclose(probability(odds), softmax(values, axis=1), atol=1e-12)
    np.testing.assert_allclose(-np.logaddexp(0, -odds), log_softmax(values, axis=1), atol=1e-12)


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e3, 1e3)))
def test_one_logit_is_of_the_second_class(values):
    odds = log_odds(values[:, None])
    np.testing.assert_array_equal(odds, np.column_stack([-values, values]))
    np.testing.assert_allclose(probability(odds)[:, 1], expit(values), rtol=1e-12)


def test_sure_images_stay_apart():
    odds = log_odds(np.array([[0.0, 900.0, -50.0], [0.0, 901.0, -50.0]]))
    assert odds[:, 1].tolist() == pytest.approx([900.0, 901.0])
    assert odds[:, 0].tolist() == pytest.approx([-900.0, -901.0])


@given(logits, st.randoms(use_true_random=False))
def test_measures_are_scikit_learn_s_of_the_logits(values, random):
    rows, classes = values.shape
    targets = np.array([random.randrange(classes) for _ in range(rows)])
    judged = Judgement.of_logits(values)
    measured = evaluate(targets, judged, [str(k) for k in range(classes)])
    truth = -log_softmax(values, axis=1)[np.arange(rows), targets].mean()
    assert measured.log_loss == pytest.approx(truth, rel=1e-9, abs=1e-12)
    assert measured.accuracy == metrics.accuracy_score(targets, values.argmax(axis=1))
