"""Who is judged by whom, and whose label is suspect."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from classifiers.auditing.classes import (
    Overlap,
    SmallClass,
    overlaps,
    small_classes,
    units_of_classes,
)
from classifiers.auditing.judging import judge_unseen
from classifiers.auditing.suspects import confident_other, in_order_of_doubt
from classifiers.data.folds import cut
from classifiers.data.memory import memory_budget

BUDGET = memory_budget("1G")


def made_up(classes, each, seed=0):
    random = np.random.default_rng(seed)
    targets = np.arange(classes * each) % classes
    centres = random.normal(0, 1.2, (classes, 5))
    return (centres[targets] + random.normal(size=(len(targets), 5))).astype(np.float32), targets


@pytest.mark.parametrize("classes", [2, 3])
def test_an_image_is_judged_by_fits_that_saw_nothing_of_its_unit(classes):
    features, targets = made_up(classes, 30)
    count = len(targets)
    units = np.arange(count)
    units[6 : 6 + classes] = 0
    learned = np.arange(count) >= 12
    units[2] = 40  # not learned from, and of a unit that is
    found = judge_unseen(features, targets, units, learned, classes, 4, BUDGET)
    inside = np.flatnonzero(learned)
    folds = cut(targets[inside], units[inside], np.ones(len(inside), bool), 5, 4)
    sums, times = np.zeros((count, classes)), np.zeros(count)
    for fold in folds:
        train = inside[fold.train]
        scale = StandardScaler().fit(features[train])
        model = LogisticRegression(C=found.strength, max_iter=1000, tol=1e-8)
        with np.errstate(invalid="ignore"):  # a BLAS may compute beyond the end of short rows
            model.fit(scale.transform(features[train]), targets[train])
        for place in range(count):
            if units[place] not in units[train]:
                said = model.predict_log_proba(scale.transform(features[place : place + 1]))
                sums[place] += said[0]
                times[place] += 1
    assert times[2] == 1
    assert times[0] == 5
    assert (times[inside] == 1).all()
    plain = np.exp(sums / times[:, None])
    plain /= plain.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, plain, atol=2e-4)
    assert found.accuracy == (plain[inside].argmax(axis=1) == targets[inside]).mean()


def test_confident_learning_is_what_a_loop_says():
    random = np.random.default_rng(5)
    probabilities = random.dirichlet([0.5, 0.5, 0.5], 200)
    targets = random.integers(0, 3, 200)
    counted = random.random(200) < 0.7
    found = confident_other(probabilities, targets, counted)
    bars = [
        np.mean(
            [p[k] for p, t, c in zip(probabilities, targets, counted, strict=True) if c and t == k]
        )
        for k in range(3)
    ]
    for p, target, other in zip(probabilities, targets, found, strict=True):
        above = [k for k in range(3) if p[k] >= bars[k]]
        assert other == (max(above, key=lambda k: p[k]) if above else target)
    order = in_order_of_doubt(probabilities, targets, found)
    assert {*order.tolist()} == {*np.flatnonzero(found != targets).tolist()}
    own = probabilities[order, targets[order]]
    assert (np.diff(own) >= 0).all()


def test_classes_overlap_by_the_share_taken_for_the_other():
    targets = np.array([0] * 10 + [1] * 10 + [2] * 10)
    predicted = targets.copy()
    predicted[[0, 1]] = 1
    predicted[[10]] = 0
    predicted[[20]] = 0
    assert overlaps(predicted, targets, "abc") == [Overlap("a", "b", 3, 20)]


def test_small_classes_are_counted_by_different_pictures():
    targets = np.array([0] * 12 + [1] * 12 + [-1] * 3)
    units = np.array([*range(12), *[7] * 6, *range(20, 26), 30, 31, 32])
    apart = units_of_classes(targets, units, 2)
    assert apart.tolist() == [12, 7]
    assert small_classes(targets, apart, "ab") == [SmallClass("b", 12, 7)]
