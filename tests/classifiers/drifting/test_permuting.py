"""The tests' statistics against plain loops, and their p-values against what they promise."""

from itertools import pairwise

import numpy as np
import pytest

from classifiers.drifting.permuting import classifier_test, mmd

NONE = np.empty(0, np.int64), np.empty(0, np.int64)


def test_the_squared_mmd_is_that_of_a_plain_loop():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(12, 3)), random.normal(0.5, 1, (9, 3))
    both = [*one, *other]
    distances = [((a - b) ** 2).sum() for i, a in enumerate(both) for b in both[i + 1 :]]
    width = np.median(distances)

    def mean(xs, ys):
        return np.mean([np.exp(-((x - y) ** 2).sum() / width) for x in xs for y in ys])

    wanted = mean(one, one) + mean(other, other) - 2 * mean(one, other)
    assert mmd(one, other, NONE, 9, random).statistic == pytest.approx(wanted)


def test_the_classifiers_statistic_is_the_share_of_pairs_in_order():
    random = np.random.default_rng(1)
    train = random.normal(0, 1, (30, 2)), random.normal(1, 1, (20, 2))
    held_out = random.normal(0, 1, (11, 2)), random.normal(1, 1, (7, 2))
    points = np.vstack(train)
    sides = np.r_[np.full(30, -1 / 30), np.full(20, 1 / 20)]
    penalty = (points**2).sum() / len(points)
    direction = np.linalg.solve(points.T @ points + penalty * np.eye(2), points.T @ sides)
    pairs = [(b - a) @ direction > 0 for a in held_out[0] for b in held_out[1]]
    assert classifier_test(train, held_out, NONE, 9, random).statistic == pytest.approx(
        np.mean(pairs)
    )


def test_p_values_are_even_where_nothing_drifted_and_small_where_something_did():
    random = np.random.default_rng(2)
    found = {"mmd": [], "classifier": []}
    for _ in range(200):
        one, other = random.normal(size=(14, 4)), random.normal(size=(20, 4))
        found["mmd"].append(mmd(one, other, NONE, 39, random).p)
        halves = (one[::2], other[::2]), (one[1::2], other[1::2])
        found["classifier"].append(classifier_test(*halves, NONE, 39, random).p)
    for values in found.values():
        for low, high in pairwise([0.0, 0.25, 0.5, 0.75, 1.0]):
            share = np.mean([low < p <= high for p in values])
            assert 0.15 < share < 0.35  # four standard errors are 0.12
    far = random.normal(2, 1, (20, 4))
    assert mmd(one, far, NONE, 39, random).p == 1 / 40
    assert (
        classifier_test((one[::2], far[::2]), (one[1::2], far[1::2]), NONE, 39, random).p == 1 / 40
    )


def test_equal_images_drift_nowhere():
    random = np.random.default_rng(3)
    one, other = np.ones((10, 3)) / 3, np.ones((12, 3)) / 3
    assert mmd(one, other, NONE, 19, random).p == 1
    tested = classifier_test((one[:5], other[:6]), (one[5:], other[6:]), NONE, 19, random)
    assert (tested.statistic, tested.p) == (0.5, 1)


def test_of_pairs_a_small_shift_shows_which_is_lost_among_others():
    random = np.random.default_rng(4)
    pairs = np.arange(40), np.arange(40)
    found = []
    for _ in range(100):
        centres = random.normal(size=(40, 3))
        one, other = centres + random.normal(0, 0.1, (2, 40, 3))
        found.append(mmd(one, other, pairs, 39, random).p <= 0.1)
    assert 0.01 < np.mean(found) < 0.22  # four standard errors are 0.12
    assert mmd(one, other + 0.15, pairs, 39, random).p == 1 / 40
    assert mmd(one, other + 0.15, NONE, 39, random).p > 0.3
