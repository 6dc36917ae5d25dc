"""Thresholds against a search over all of them."""

import argparse

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.models.thresholds import decide, fit_thresholds, parse_criterion, reached

CRITERIA = ("f1", "precision=0.8", "recall=0.7", "cost=5:1", "cost=1:5")


def worth(criterion: str, of_class, said) -> float:
    """How good a threshold is; less than 0 where it is not what is wanted."""
    hits, taken, images = (of_class & said).sum(), said.sum(), of_class.sum()
    precision, recall = hits / max(taken, 1), hits / images
    if criterion == "f1":
        return 2 * hits / (taken + images)
    if criterion.startswith("precision"):
        return recall if precision >= 0.8 else -1.0
    if criterion.startswith("recall"):
        return -float(taken) if recall >= 0.7 else -np.inf
    wrong, missed = map(float, criterion.removeprefix("cost=").split(":"))
    return 1000.0 - wrong * (said & ~of_class).sum() - missed * (of_class & ~said).sum()


@pytest.mark.parametrize("criterion", CRITERIA)
def test_no_other_threshold_is_better(criterion):
    random = np.random.default_rng(CRITERIA.index(criterion))
    for _ in range(8):
        targets = random.integers(0, 3, 40)
        targets[:3] = 0, 1, 2
        # With ties: images of the same score stand or fall together.
        ranking = np.round(random.normal(0, 1, (40, 3)) + 1.5 * np.eye(3)[targets], 1)
        found = fit_thresholds(ranking, targets, "abc", parse_criterion(criterion))
        for number, name in enumerate("abc"):
            of_class, scores = targets == number, ranking[:, number]
            every = [worth(criterion, of_class, scores >= each) for each in np.unique(scores)]
            if found[name] is None:
                never = worth(criterion, of_class, np.zeros(40, bool))
                assert max(every) <= max(never, 0.0), criterion
                continue
            own = worth(criterion, of_class, scores >= found[name])
            assert own == pytest.approx(max(every))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.9, 1.0]))
def test_a_precision_is_reached_or_there_is_no_threshold(seed, share):
    random = np.random.default_rng(seed)
    targets, ranking = random.integers(0, 2, 30), random.normal(size=(30, 2))
    found = fit_thresholds(ranking, targets, "ab", parse_criterion(f"precision={share}"))
    for number, name in enumerate("ab"):
        if found[name] is not None:
            said = ranking[:, number] >= found[name]
            assert (targets[said] == number).mean() >= share


def test_a_threshold_lies_between_two_scores_and_none_is_given_where_none_can_be():
    scores = np.array([4.0, 2.0, 1.0])
    ranking = np.column_stack([scores, -scores, -scores])
    wanted = parse_criterion("precision=1")
    found = fit_thresholds(ranking, np.array([0, 1, 0]), "abc", wanted)
    assert found == {"a": 3.0, "b": None, "c": None}  # the likeliest b is none; no image of c
    assert decide(ranking, "abc", found).tolist() == [0, -1, -1]
    assert reached(ranking, "abc", found).tolist() == [[True, False, False]] + [[False] * 3] * 2


def test_of_classes_whose_thresholds_are_reached_the_likeliest_is_decided_for():
    ranking = np.array([[2.0, 1.0], [1.0, 2.0], [0.9, 3.0], [-1.0, -1.0]])
    assert decide(ranking, "ab", {"a": 0.95, "b": 0.5}).tolist() == [0, 1, 1, -1]
    assert decide(ranking, "ab", {"a": 0.95, "b": None}).tolist() == [0, 0, -1, -1]


@pytest.mark.parametrize(
    "text",
    [
        *["", "f2", "f1=1", "f1:", "precision", "precision=", "precision=1.1", "precision=0"],
        *["precision=0.9:1", "recall=nan", "cost=1", "cost=1:2:3", "cost=0:1", "cost=inf:1"],
        "cost=a:b",
    ],
)
def test_no_other_text_is_a_criterion(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is none of f1, precision=SHARE"):
        parse_criterion(text)


@pytest.mark.parametrize("text", [*CRITERIA, "recall=1"])
def test_a_criterion_is_written_as_it_is_read(text):
    assert str(parse_criterion(text)) == text
