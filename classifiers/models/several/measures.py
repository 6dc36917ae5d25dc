"""How good a head of several labels is: of each label, over all of them, and of whole sets."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import Batch
from classifiers.heads.several.head import Opinion
from classifiers.models.several.decided import SeveralLabels
from classifiers.models.soundness import require_finite
from pipelines.errors import ModelError

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.int64]


class Opining(Protocol):
    """Whatever says which labels images have."""

    def opine(self, features: npt.NDArray[np.float32]) -> Opinion:
        """See `FittedSeveral.opine`."""
        ...


@dataclass(frozen=True, slots=True)
class OfLabel:
    """One label; shares lie between 0 and 1.

    Attributes:
        precision: of the images that are given it, the share that have it; 0 without any.
        recall: of the images that have it, the share that are given it; 0 without any.
        f1: their harmonic mean.
        roc_auc: area under the ROC curve; None where all images or none have it.
        average_precision: likewise.
        support: images that have it.
    """

    precision: float
    recall: float
    f1: float
    roc_auc: float | None
    average_precision: float | None
    support: int


@dataclass(frozen=True, slots=True)
class SeveralEvaluation:
    """The measures of one head on one split.

    Attributes:
        images: how many were evaluated.
        subset_accuracy: share of them of which every label was told right.
        label_accuracy: share of all images and labels that were told right.
        micro_precision: precision over all images and labels together, 0 where none was given.
        micro_recall: recall likewise.
        micro_f1: their harmonic mean.
        macro_f1: mean F1 of the labels that some image has; 0 where there are none.
        roc_auc: mean of the labels that have an area; None without any.
        mean_average_precision: likewise.
        log_loss: mean over images and labels of the negative log probability of what is true, in
            nats; None without probabilities.
        per_label: each of them, by name.
    """

    images: int
    subset_accuracy: float
    label_accuracy: float
    micro_precision: float
    micro_recall: float
    micro_f1: float
    macro_f1: float
    roc_auc: float | None
    mean_average_precision: float | None
    log_loss: float | None
    per_label: dict[str, OfLabel]

    def as_json(self) -> dict[str, Any]:
        """The measures as plain values."""
        return asdict(self)


def opinions_on(
    head: Opining, batches: Iterable[Batch], labels: Sequence[str]
) -> tuple[Opinion, Marks]:
    """What a head says of labelled images, of which one batch is held at a time, and what is true.

    Raises:
        ModelError: some of its scores are no finite numbers, or they are of other labels.
    """
    told = [(head.opine(features), targets) for features, targets in batches]
    scores = np.concatenate([each.scores for each, _ in told])
    if scores.shape[1:] != (len(labels),):
        raise ModelError(
            f"the model gives {scores.shape[1]} scores for an image, its card names {len(labels)} "
            "labels; train it again"
        )
    require_finite(scores)
    return Opinion(scores, told[0][0].has_probabilities), np.concatenate([each for _, each in told])


def evaluate_several(
    opinion: Opinion, marks: Marks, labels: Sequence[str], several: SeveralLabels
) -> SeveralEvaluation:
    """Measure what a head said against the truth.

    Args:
        opinion: what it said of n images.
        marks: int64 (n, labels), 1 where an image has a label.
        labels: their names.
        several: from which score on each is given.
    """
    given, there = several.given(opinion.scores, labels), marks == 1
    hits, told, support = ((given & there).sum(0), given.sum(0), there.sum(0))
    precision, recall, f1 = _rates(hits, told, support)
    micro = _rates(hits.sum(), told.sum(), support.sum())
    areas = [_areas(there[:, number], opinion.scores[:, number]) for number in range(len(labels))]
    per_label = {
        name: OfLabel(
            float(precision[number]),
            float(recall[number]),
            float(f1[number]),
            *areas[number],
            int(support[number]),
        )
        for number, name in enumerate(labels)
    }
    return SeveralEvaluation(
        images=len(marks),
        subset_accuracy=float((given == there).all(axis=1).mean()),
        label_accuracy=float((given == there).mean()),
        micro_precision=float(micro[0]),
        micro_recall=float(micro[1]),
        micro_f1=float(micro[2]),
        macro_f1=float(f1[support > 0].mean()) if support.any() else 0.0,
        roc_auc=_mean([each.roc_auc for each in per_label.values()]),
        mean_average_precision=_mean([each.average_precision for each in per_label.values()]),
        log_loss=_log_loss(opinion, there),
        per_label=per_label,
    )


def _rates(hits: Any, told: Any, support: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 - numbers or arrays
    """Precision, recall and F1 of counts; 0 where there is nothing to divide by."""
    return (
        hits / np.maximum(told, 1),
        hits / np.maximum(support, 1),
        2 * hits / np.maximum(told + support, 1),
    )


def _areas(there: npt.NDArray[np.bool_], scores: Floats) -> tuple[float | None, float | None]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    if there.all() or not there.any():
        return None, None
    return float(roc_auc_score(there, scores)), float(average_precision_score(there, scores))


def _mean(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None


def _log_loss(opinion: Opinion, there: npt.NDArray[np.bool_]) -> float | None:
    """From log odds nothing is clipped: -ln p = ln(1 + exp(-odds)) of a label that is there."""
    if not opinion.has_probabilities:
        return None
    return float(np.logaddexp(0.0, np.where(there, -opinion.scores, opinion.scores)).mean())
