import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn import metrics

from classifiers.heads.head import Judgement
from classifiers.models import measures
from classifiers.models.evaluation import evaluate
from classifiers.models.reports import EvaluateReport


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
    only_scores = Judgement(np.array([0, 0]), scores, None)
    result = evaluate(np.array([0, 0]), only_scores, ("cat", "dog"))
    assert result.log_loss is None
    assert result.roc_auc is None
    assert result.accuracy == 1.0


def test_a_sure_mistake_costs_its_logit():
    sure = Judgement.of_logits(np.array([[1000.0, 0.0], [0.0, 1000.0]]))
    assert evaluate(np.array([1, 1]), sure, ("cat", "dog")).log_loss == pytest.approx(500.0)


def test_classes_without_images_are_no_part_of_the_area_which_is_said():
    logits = np.random.default_rng(0).normal(size=(40, 30))
    targets = np.arange(40) % 29  # none of the last class
    result = evaluate(targets, Judgement.of_logits(logits), [f"c{k:02}" for k in range(30)])
    of_class = softmax(logits, axis=1)
    areas = [metrics.roc_auc_score(targets == k, of_class[:, k]) for k in range(29)]
    assert result.roc_auc == pytest.approx(np.mean(areas))
    said = str(EvaluateReport("dense", "test", result, {}))
    assert "roc_auc is the mean over the 29 of 30 classes that have images" in said


def test_of_one_class_there_is_no_area_which_is_said():
    result = evaluate(np.zeros(3, int), Judgement.of_logits(np.eye(3)), ("a", "b", "c"))
    assert result.roc_auc is None
    assert "no roc_auc: all images are of one class" in str(
        EvaluateReport("dense", "test", result, {})
    )


def test_of_many_classes_the_pairs_most_often_confused_are_shown():
    targets = np.arange(300) % 120
    predicted = np.where(targets == 7, 9, targets)
    judged = Judgement(predicted, np.eye(120)[predicted], None)
    result = evaluate(targets, judged, [f"breed {k}" for k in range(120)])
    assert result.confused() == [("breed 7", "breed 9", 3)]
    said = str(EvaluateReport("dense", "test", result, {}))
    assert len(said) < 10_000
    assert "breed 7  breed 9         3" in said


@given(st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_further_measures_are_those_of_scikit_learn(seed, classes):
    random = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), random.integers(0, classes, 40)])
    probabilities = random.dirichlet(np.ones(classes), len(targets))
    found = evaluate(targets, judged(probabilities), [str(k) for k in range(classes)]).further
    predicted = probabilities.argmax(axis=1)
    assert found.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(targets, predicted)
    )
    expected = metrics.f1_score(targets, predicted, average="macro", zero_division=0.0)
    assert found.macro_f1 == pytest.approx(expected)
    scores = probabilities[:, 1] if classes == 2 else probabilities
    truth = targets if classes == 2 else np.eye(classes)[targets]
    assert found.pr_auc == pytest.approx(metrics.average_precision_score(truth, scores))
    assert found.brier == pytest.approx(
        metrics.brier_score_loss(targets, scores, labels=np.arange(classes))
    )
    assert found.majority == np.bincount(targets).max() / len(targets)
    if classes > 5:
        expected = metrics.top_k_accuracy_score(targets, probabilities, k=5)
        assert found.top_5 == pytest.approx(expected)
    else:
        assert found.top_5 is None


@pytest.mark.parametrize(("right", "images"), [(958, 1000), (10, 10), (0, 3), (1, 2)])
def test_the_interval_of_an_accuracy_is_wilson_s(right, images):
    z, share = 1.959963984540054, right / images
    middle = share + z**2 / (2 * images)
    half = z * np.sqrt(share * (1 - share) / images + z**2 / (4 * images**2))
    expected = np.array([middle - half, middle + half]) / (1 + z**2 / images)
    assert measures.wilson_interval(right, images) == pytest.approx(expected, abs=1e-9)


def test_a_calibration_error_worked_out_by_hand():
    # Of four images said at 0.9 three are right, of two at 0.6 none is.
    first = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    targets = np.array([0, 0, 0, 1, 1, 1])
    found = evaluate(targets, judged(np.column_stack([first, 1 - first])), ("cat", "dog")).further
    assert found.calibration_error == pytest.approx((4 * 0.15 + 2 * 0.6) / 6)
    assert found.brier == pytest.approx((3 * 0.01 + 0.81 + 2 * 0.36) / 6)


def test_many_blocks_are_measured_like_one(monkeypatch):
    logits = np.random.default_rng(1).normal(size=(50, 7))
    targets = np.arange(50) % 7
    whole = evaluate(targets, Judgement.of_logits(logits), list("abcdefg")).further
    monkeypatch.setattr(measures, "BLOCK", 21)
    parts = evaluate(targets, Judgement.of_logits(logits), list("abcdefg")).further
    assert parts.brier == pytest.approx(whole.brier)
    assert parts.calibration_error == pytest.approx(whole.calibration_error)


def test_of_many_classes_the_worst_are_shown():
    logits = np.random.default_rng(0).normal(size=(90, 30)) + 3 * np.eye(30)[np.arange(90) % 30]
    result = evaluate(np.arange(90) % 30, Judgement.of_logits(logits), [f"c{k}" for k in range(30)])
    said = str(EvaluateReport("dense", "test", result, {}))
    assert "the 10 of 30 classes with the least F1" in said
    worst = min(result.per_class, key=lambda name: result.per_class[name]["f1"])
    assert f"\n{worst} " in said
    assert "95 % interval" in said
