"""Conditions on one class, whatever it is called."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from classifiers.heads.head import Judgement
from classifiers.models.evaluation import evaluate
from classifiers.promoting.conditions import OF_A_CLASS, answer, parse_condition, require_classes
from pipelines.errors import UsageError

NAMES = ("cat", "a]>=0.5", " [x] ", "5\n%")


@pytest.fixture(scope="module")
def judged():
    """Numbers of classes, of which the last has no image, and scores for them."""
    random = np.random.default_rng(4)
    targets = random.integers(0, 3, 90)
    scores = np.eye(4)[targets] + random.normal(0, 0.7, (90, 4))
    scores[:, 3] -= 9
    return targets, scores


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_measure_of_a_class_is_that_of_scikit_learn(judged, number):
    targets, scores = judged
    measured = evaluate(targets, Judgement(scores.argmax(axis=1), scores, None), NAMES)
    true, said = targets == number, scores.argmax(axis=1) == number
    wanted = {
        "precision": precision_score(true, said),
        "recall": recall_score(true, said),
        "f1": f1_score(true, said),
        "roc_auc": roc_auc_score(true, scores[:, number]),
    }
    assert tuple(wanted) == OF_A_CLASS
    for name, value in wanted.items():
        for bound, holds in ((value - 1e-3, True), (value + 1e-3, False)):
            condition = parse_condition(f"{name}[{NAMES[number]}] >= {bound!r}")
            require_classes([condition], NAMES)
            found = answer(condition, measured, None)
            assert condition.of_class == NAMES[number]
            assert found.found == pytest.approx(value)
            assert found.holds is holds


def test_of_a_class_without_images_nothing_is_known(judged):
    targets, scores = judged
    measured = evaluate(targets, Judgement(scores.argmax(axis=1), scores, None), NAMES)
    for name in OF_A_CLASS:
        with pytest.raises(UsageError, match=f"this model has no {name} of class '5"):
            answer(parse_condition(f"{name}[{NAMES[3]}]<1"), measured, None)
