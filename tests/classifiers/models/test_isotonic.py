"""Isotonic curves against scikit-learn's own, and against what is counted by hand."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from classifiers.heads.head import Judgement
from classifiers.models.calibration import calibrated
from classifiers.models.decisions import Decisions, check_decisions
from classifiers.models.isotonic import fit_curves


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_curves_are_those_of_scikit_learn(classes):
    random = np.random.default_rng(classes)
    targets = np.arange(300) % classes
    scores = np.eye(classes)[targets] * 2 + random.normal(0, 1.2, (300, classes))
    new = np.concatenate([scores, [[-99.0] * classes, [99.0] * classes]])
    curves = fit_curves(scores, targets)
    found = Decisions("v", 300, isotonic=curves)
    check_decisions(found, tuple("abcde"[:classes]))
    told = calibrated(Judgement(new.argmax(axis=1), new, None), found)

    shares = np.zeros((302, classes))
    for k in [1] if classes == 2 else range(classes):
        inside = int((targets == k).sum())
        bounds = 1 / (302 - inside), (inside + 1) / (inside + 2)
        plain = IsotonicRegression(y_min=bounds[0], y_max=bounds[1], out_of_bounds="clip")
        shares[:, k] = plain.fit(scores[:, k], targets == k).predict(new[:, k])
    if classes == 2:
        shares[:, 0] = 1 - shares[:, 1]
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(told.probabilities, shares, rtol=1e-9)
    of_predicted = told.probabilities[np.arange(302), told.predicted]
    np.testing.assert_allclose(of_predicted, shares.max(axis=1))
    assert told.scores is new
    assert not told.had_probabilities


def test_shares_of_steps_are_those_counted_by_hand():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    scores = np.column_stack([-values, values])
    (curve,) = fit_curves(scores, np.array([0, 1, 0, 0, 1, 1]))
    # 2, 3 and 4 are out of order: a third of them is of the class; the ends have Platt's bounds.
    wanted = [(1, 1 / 5), (2, 1 / 3), (4, 1 / 3), (5, 4 / 5), (6, 4 / 5)]
    np.testing.assert_allclose(curve, wanted)


def test_curves_of_logits_keep_the_rank_and_never_say_never():
    random = np.random.default_rng(1)
    logits = random.normal(0, 3, (300, 2)) * 5
    targets = (random.uniform(size=300) < 1 / (1 + np.exp(-(logits[:, 1] - logits[:, 0])))) * 1
    own = Judgement.of_logits(logits)
    found = Decisions("v", 300, isotonic=fit_curves(own.log_odds, targets))
    told = calibrated(own, found)
    assert told.had_probabilities
    order = own.log_odds[:, 1].argsort()
    assert (np.diff(told.log_odds[order, 1]) >= 0).all()
    assert told.probabilities.min() > 0
    assert np.isfinite(told.log_odds).all()
    np.testing.assert_allclose(told.log_odds[:, 0], -told.log_odds[:, 1])


@pytest.mark.parametrize(
    ("curves", "complaint"),
    [
        ([[(0.0, 0.5)]] * 2, "2 isotonic curves for 2 classes"),
        ([[]], "no finite points"),
        ([[(0.0, float("nan"))]], "no finite points"),
        ([[(0.0, 0.5), (0.0, 0.6)]], "does not rise"),
        ([[(0.0, 0.5), (1.0, 0.4)]], "does not rise"),
        ([[(0.0, 0.5), (1.0, 1.0)]], "leaves the numbers"),
        ([[(0.0, 0.0), (1.0, 0.4)]], "leaves the numbers"),
    ],
)
def test_other_curves_on_a_card_are_refused(curves, complaint):
    with pytest.raises(ValueError, match=complaint):
        check_decisions(Decisions("v", 9, isotonic=curves), ("a", "b"))
    with pytest.raises(ValueError, match="both isotonic curves and a temperature"):
        check_decisions(Decisions("v", 9, temperature=2.0, isotonic=[[(0.0, 0.5)]]), ("a", "b"))
