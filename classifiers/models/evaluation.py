"""How good a head is: accuracy, per-class measures, ROC AUC, log loss, confusion."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import Batch
from classifiers.heads.head import Judge, Judgement
from classifiers.models.areas import areas_of, roc_auc_of
from classifiers.models.curves import Drawn, drawn
from classifiers.models.decisions import Decisions
from classifiers.models.measures import Measures, further_measures, probability_said
from classifiers.models.outcomes import Outcome, outcome_of
from classifiers.models.soundness import require_finite, require_scores

_NO_VALUES = ("further", "right", "decided", "drawn")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of one head on one split.

    Attributes:
        images: how many were evaluated.
        accuracy: share of them that were told right.
        roc_auc: area under the ROC curve from scores; of more than two classes the mean over those
            that have images, each against the rest; None where all images are of one class.
        log_loss: mean negative log probability of the true class; None without probabilities.
        per_class: by class name, precision, recall, f1 and support.
        confusion: images by true class (rows) and predicted class (columns).
        classes: the classes, in the order of rows and columns.
        further: the other measures.
        right: bool (images,), which of them were told right, in the order they came in.
        decided: what calibration, thresholds and sets do; None for a model without.
        drawn: what pictures are drawn from.
    """

    images: int
    accuracy: float
    roc_auc: float | None
    log_loss: float | None
    per_class: dict[str, dict[str, float]]
    confusion: list[list[int]]
    classes: tuple[str, ...]
    further: Measures
    right: npt.NDArray[np.bool_] = field(repr=False, compare=False)
    decided: Outcome | None = None
    drawn: Drawn | None = field(default=None, repr=False, compare=False)

    @property
    def classes_measured(self) -> int:
        """How many classes have images."""
        return sum(1 for each in self.per_class.values() if each["support"])

    def confused(self) -> list[tuple[str, str, int]]:
        """Images that were taken for another class: true class, predicted class, how many.

        The most frequent first.
        """
        counts = np.array(self.confusion)
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[: np.count_nonzero(counts)]
        pairs = zip(*np.unravel_index(order, counts.shape), strict=True)
        return [(self.classes[row], self.classes[col], int(counts[row, col])) for row, col in pairs]

    def as_json(self) -> dict[str, Any]:
        """The measures as plain values."""
        own = {name: getattr(self, name) for name in self.__slots__ if name not in _NO_VALUES}
        decided = {} if self.decided is None else {"decisions": asdict(self.decided)}
        areas = dict(zip(self.classes, self.further.class_roc_auc, strict=True))
        return own | asdict(self.further) | {"class_roc_auc": areas} | decided


def measure(
    head: Judge,
    batches: Iterable[Batch],
    classes: Sequence[str],
    decisions: Decisions | None = None,
) -> Evaluation:
    """Evaluate a head on labelled images, of which one batch is held at a time.

    Args:
        head: the trained head, calibrated if it is to be.
        batches: features and targets; at least one batch.
        classes: names by number.
        decisions: what was fitted to the head, to be measured too.

    Raises:
        ModelError: some of its scores are no finite numbers, or they are of other classes.
    """
    told = [(targets, head.judge(features)) for features, targets in batches]
    judgements = [judged for _, judged in told]
    for judged in judgements:
        require_scores(judged, classes)
    ranking = np.concatenate([each.ranking for each in judgements])
    require_finite(ranking)
    of_class = [each.probabilities for each in judgements if each.probabilities is not None]
    whole = Judgement(
        np.concatenate([each.predicted for each in judgements]),
        ranking,
        # Of many classes they are gigabytes, and log odds say the same.
        np.concatenate(of_class) if of_class and judgements[0].log_odds is None else None,
        None if judgements[0].log_odds is None else ranking,
    )
    found = evaluate(np.concatenate([targets for targets, _ in told]), whole, classes)
    if decisions is None:
        return found
    return replace(found, decided=outcome_of(told, classes, decisions))


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
    areas = areas_of(targets, judged.ranking)
    return Evaluation(
        images=len(targets),
        accuracy=float((targets == judged.predicted).mean()),
        roc_auc=roc_auc_of(areas),
        log_loss=log_loss_of(targets, judged),
        per_class=per_class,
        confusion=confusion_matrix(targets, judged.predicted, labels=numbers).tolist(),
        classes=tuple(classes),
        further=further_measures(targets, judged, measures[1], measures[2], areas),
        right=targets == judged.predicted,
        drawn=drawn(targets, judged, probability_said(judged), areas, classes),
    )


def log_loss_of(targets: npt.NDArray[np.int64], judged: Judgement) -> float | None:
    """Mean negative log probability of the true class, in nats; None without probabilities.

    From log odds, where there are any, nothing is clipped: -ln p = ln(1 + exp(-odds)). Else
    probabilities are clipped to float32's least normal number, 1.2e-38, to stay finite.

    Args:
        targets: true class numbers (n,).
        judged: what the head said of the same images.
    """
    rows = np.arange(len(targets))
    if judged.log_odds is not None:
        return float(np.logaddexp(0.0, -judged.log_odds[rows, targets]).mean())
    if judged.probabilities is None:
        return None
    smallest = np.finfo(np.float32).tiny
    return float(-np.log(np.clip(judged.probabilities[rows, targets], smallest, 1.0)).mean())
