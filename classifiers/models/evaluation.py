"""How good a head is: accuracy, per-class measures, ROC AUC, log loss, confusion."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import Batch
from classifiers.heads.head import FittedHead, Judgement
from pipelines.errors import ModelError


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of one head on one split.

    Attributes:
        images: how many were evaluated.
        accuracy: share of them that were told right.
        roc_auc: area under the ROC curve from scores; the mean over classes, each against the rest,
            when there are more than two; None when a class has no image.
        log_loss: mean negative log probability of the true class; None without probabilities.
        per_class: by class name, precision, recall, f1 and support.
        confusion: images by true class (rows) and predicted class (columns).
        classes: the classes, in the order of rows and columns.
    """

    images: int
    accuracy: float
    roc_auc: float | None
    log_loss: float | None
    per_class: dict[str, dict[str, float]]
    confusion: list[list[int]]
    classes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The measures as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


def measure(head: FittedHead, batches: Iterable[Batch], classes: Sequence[str]) -> Evaluation:
    """Evaluate a head on labelled images, of which one batch is held at a time.

    Args:
        head: the trained head.
        batches: features and targets; at least one batch.
        classes: names by number.

    Raises:
        ModelError: some of its scores are no finite numbers.
    """
    told = [(targets, head.judge(features)) for features, targets in batches]
    judgements = [judged for _, judged in told]
    probabilities = [each.probabilities for each in judgements if each.probabilities is not None]
    scores = np.concatenate([each.scores for each in judgements])
    if all(each.probabilities is each.scores for each in judgements):
        of_classes: npt.NDArray[np.float64] | None = scores  # of many classes it is gigabytes
    else:
        of_classes = np.concatenate(probabilities) if probabilities else None
    lost = int((~np.isfinite(scores).all(axis=1)).sum())
    if lost:
        raise ModelError(
            f"the model gives no finite scores for {lost} of {len(scores)} images, so that it "
            "cannot be measured; train it again"
        )
    predicted = np.concatenate([each.predicted for each in judgements])
    targets = np.concatenate([targets for targets, _ in told])
    return evaluate(targets, Judgement(predicted, scores, of_classes), classes)


def evaluate(
    targets: npt.NDArray[np.int64], judged: Judgement, classes: Sequence[str]
) -> Evaluation:
    """Measure what a head said against the truth.

    Args:
        targets: true class numbers (n,).
        judged: what the head said of the same images.
        classes: names by number.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    numbers = list(range(len(classes)))
    measures = precision_recall_fscore_support(
        targets, judged.predicted, labels=numbers, zero_division=0.0
    )
    per_class = {
        name: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for name, precision, recall, f1, support in zip(classes, *measures, strict=True)
    }
    return Evaluation(
        images=len(targets),
        accuracy=float((targets == judged.predicted).mean()),
        roc_auc=roc_auc_of(targets, judged.scores),
        log_loss=None
        if judged.probabilities is None
        else log_loss_of(targets, judged.probabilities),
        per_class=per_class,
        confusion=confusion_matrix(targets, judged.predicted, labels=numbers).tolist(),
        classes=tuple(classes),
    )


def roc_auc_of(targets: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> float | None:
    """Area under the ROC curve, one-vs-rest mean for more than two classes; None if undefined."""
    from sklearn.metrics import roc_auc_score

    present = np.unique(targets)
    if len(present) < scores.shape[1]:
        return None
    if scores.shape[1] == 2:
        return float(roc_auc_score(targets == 1, scores[:, 1]))
    return float(np.mean([roc_auc_score(targets == k, scores[:, k]) for k in present]))


def log_loss_of(targets: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]) -> float:
    """Mean negative log probability of the true class, in nats.

    Probabilities are clipped to float32's least normal number, 1.2e-38, to stay finite. Keras's
    crossentropies clip to 1e-7, so their means are smaller where a head is sure and wrong.
    """
    of_truth = probabilities[np.arange(len(targets)), targets]
    smallest = np.finfo(np.float32).tiny
    return float(-np.log(np.clip(of_truth, smallest, 1.0)).mean())
