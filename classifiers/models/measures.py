"""Measures beside accuracy, ROC AUC and log loss: intervals, baselines, calibration."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.heads.head import Judgement
from classifiers.heads.odds import probability

BINS = 15
"""Of the calibration error, as Guo et al. (2017) have it."""

TOP = 5
BLOCK = 1 << 22
"""Probabilities that are held at once: of many classes all of them are gigabytes."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measures:
    """What else is known of a head on a split; shares lie between 0 and 1.

    Attributes:
        accuracy_interval: in which the accuracy lies at 95 %, by Wilson's score.
        majority: accuracy of always saying the most frequent class.
        balanced_accuracy: mean recall of the classes that have images.
        macro_f1: mean F1 of the classes that have images.
        pr_auc: average precision, of more than two classes the mean over those that have images;
            None where all images are of one class.
        top_5: share of images whose class is among the five that rank highest; None with five
            classes or fewer.
        brier: mean squared error of probabilities, of two classes of the second one's; None
            without probabilities.
        calibration_error: mean distance of the highest probability from the share that is right,
            in 15 bins of equal width; None without probabilities.
        class_roc_auc: by class number, the area under the ROC curve against the rest; None of a
            class without images, or where there are no others.
    """

    accuracy_interval: tuple[float, float]
    majority: float
    balanced_accuracy: float
    macro_f1: float
    pr_auc: float | None
    top_5: float | None
    brier: float | None
    calibration_error: float | None
    class_roc_auc: tuple[float | None, ...] = ()


def further_measures(
    targets: Numbers,
    judged: Judgement,
    recalls: npt.NDArray[np.float64],
    f1: npt.NDArray[np.float64],
    areas: tuple[float | None, ...],
) -> Measures:
    """Measure what a head said against the truth.

    Args:
        targets: true class numbers (n,).
        judged: what the head said of the same images.
        recalls: by class number.
        f1: by class number.
        areas: under the ROC curve, by class number.
    """
    counts = np.bincount(targets, minlength=len(recalls))
    there = counts > 0
    brier, error = calibration(targets, judged)
    return Measures(
        accuracy_interval=wilson_interval(int((targets == judged.predicted).sum()), len(targets)),
        majority=float(counts.max() / len(targets)),
        balanced_accuracy=float(recalls[there].mean()),
        macro_f1=float(f1[there].mean()),
        pr_auc=average_precision(targets, judged.ranking),
        top_5=top_share(targets, judged.ranking, TOP),
        brier=brier,
        calibration_error=error,
        class_roc_auc=areas,
    )


def wilson_interval(right: int, images: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson's score (1927).

    Args:
        right: images that count.
        images: all of them, at least one.
    """
    from scipy.stats import binomtest

    interval = binomtest(right, images).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def average_precision(targets: Numbers, ranking: npt.NDArray[np.float64]) -> float | None:
    """Average precision; of more than two classes the mean over those that have images.

    Args:
        targets: true class numbers (n,).
        ranking: (n, classes), the higher, the likelier.
    """
    from sklearn.metrics import average_precision_score

    present = np.unique(targets)
    if len(present) < 2:
        return None
    if ranking.shape[1] == 2:
        return float(average_precision_score(targets == 1, ranking[:, 1]))
    return float(np.mean([average_precision_score(targets == k, ranking[:, k]) for k in present]))


def top_share(targets: Numbers, ranking: npt.NDArray[np.float64], top: int) -> float | None:
    """Share of images with fewer than `top` classes ranked above the true one; None if all are."""
    if ranking.shape[1] <= top:
        return None
    true = ranking[np.arange(len(targets)), targets]
    above = (ranking > true[:, None]).sum(axis=1)
    # Of classes that tie with the true one, those that come first are ranked above it.
    ties = (ranking == true[:, None]) & (np.arange(ranking.shape[1]) < targets[:, None])
    return float((above + ties.sum(axis=1) < top).mean())


def calibration(targets: Numbers, judged: Judgement) -> tuple[float | None, float | None]:
    """Brier score, and calibration error of the class said (Guo et al. 2017, equation 3).

    Args:
        targets: true class numbers (n,).
        judged: what the head said of the same images.
    """
    held = judged.log_odds if judged.log_odds is not None else judged.probabilities
    of_said = probability_said(judged)
    if held is None or of_said is None:
        return None, None
    squares = 0.0
    step = max(1, BLOCK // held.shape[1])
    for start in range(0, len(targets), step):
        part = slice(start, start + step)
        shares = held[part] if judged.log_odds is None else probability(held[part])
        missed = shares.copy()
        missed[np.arange(len(shares)), targets[part]] -= 1.0
        squares += float((missed**2).sum())
    halved = 2 if held.shape[1] == 2 else 1  # two classes miss by the same
    error = calibration_error(of_said, targets == judged.predicted)
    return squares / halved / len(targets), error


def probability_said(judged: Judgement) -> npt.NDArray[np.float64] | None:
    """Probability of the class said, float64 (n,); None without probabilities."""
    rows = np.arange(len(judged.predicted))
    if judged.log_odds is not None:
        return probability(judged.log_odds[rows, judged.predicted])
    return None if judged.probabilities is None else judged.probabilities[rows, judged.predicted]


def calibration_error(of_said: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> float:
    """Mean distance of probabilities from the share that is right, in bins of equal width.

    Args:
        of_said: float64 (n,), the probability of the class said.
        right: bool (n,), whether it is the true one.
    """
    gaps = np.bincount(bins_of(of_said), of_said - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(right))


def bins_of(of_said: npt.NDArray[np.float64]) -> Numbers:
    """The bin that each probability lies in, from 0 on."""
    return np.clip(np.ceil(of_said * BINS).astype(np.int64) - 1, 0, BINS - 1)
