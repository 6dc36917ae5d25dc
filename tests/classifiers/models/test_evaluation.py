import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from classifiers.heads.head import Judgement
from classifiers.models.evaluation import evaluate


def judged(probabilities: np.ndarray) -> Judgement:
    return Judgement.of_logits(np.log(probabilities))


def test_measures_worked_out_by_hand():
    targets = np.array([0, 0, 0, 1, 1])
    first = np.array([0.9, 0.8, 0.3, 0.4, 0.1])  # of class 0: one cat and no dog is missed
    result = evaluate(targets, judged(np.column_stack([first, 1 - first])), ("cat", "dog"))
    assert result.accuracy == pytest.approx(4 / 5)
    assert result.confusion == [[2, 1], [0, 2]]
    assert result.per_class["cat"] == {
        "precision": 1.0,
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(0.8),
        "support": 3,
    }
    assert result.per_class["dog"]["precision"] == pytest.approx(2 / 3)
    # Of the six cat-dog pairs one is the wrong way round: 0.3 for a cat below 0.4 for a dog.
    assert result.roc_auc == pytest.approx(5 / 6)
    expected = -np.log([0.9, 0.8, 0.3, 0.6, 0.9]).mean()
    assert result.log_loss == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_measures_are_those_of_scikit_learn(seed, classes):
    random = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), random.integers(0, classes, 40)])
    probabilities = random.dirichlet(np.ones(classes), len(targets))
    result = evaluate(targets, judged(probabilities), [str(k) for k in range(classes)])
    assert result.accuracy == metrics.accuracy_score(targets, probabilities.argmax(axis=1))
    assert result.log_loss == pytest.approx(metrics.log_loss(targets, probabilities))
    scores = probabilities[:, 1] if classes == 2 else probabilities
    expected = metrics.roc_auc_score(targets, scores, multi_class="ovr")
    assert result.roc_auc == pytest.approx(expected)


def test_what_cannot_be_measured_is_none():
    scores = np.array([[1.0, -1.0], [2.0, -2.0]])
    only_scores = Judgement(np.array([0, 0]), scores, of_probabilities=False)
    result = evaluate(np.array([0, 0]), only_scores, ("cat", "dog"))
    assert result.log_loss is None
    assert result.roc_auc is None
    assert result.accuracy == 1.0


def test_a_sure_mistake_costs_its_logit():
    sure = Judgement.of_logits(np.array([[1000.0, 0.0], [0.0, 1000.0]]))
    assert evaluate(np.array([1, 1]), sure, ("cat", "dog")).log_loss == pytest.approx(500.0)
