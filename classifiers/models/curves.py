"""What pictures of a measured head are drawn from: few numbers, however many images there are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.heads.head import Judgement
from classifiers.models.measures import BINS, bins_of

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

POINTS = 400
"""Of a curve, at most: a picture has no more pixels."""

CLASSES = 8
"""Whose curves are kept, the worst first: more cannot be told apart."""

SCORE_BINS = 30


@dataclass(frozen=True, slots=True)
class Curve:
    """A class against the rest, by thresholds from the highest score down.

    Attributes:
        name: the class.
        area: under the ROC curve.
        base: share of the images that are of the class.
        false_positives: float64 (points,), of the images of other classes the share taken for it.
        recall: float64 (points,), of its images the share taken for it.
        precision: float64 (points,), of the images taken for it the share that are of it.
    """

    name: str
    area: float
    base: float
    false_positives: Floats
    recall: Floats
    precision: Floats


@dataclass(frozen=True, slots=True)
class Reliability:
    """The highest probability of each image, in bins of equal width.

    Attributes:
        images: int64 (bins,), how many are in each.
        said: float64 (bins,), their mean probability; NaN in an empty bin.
        right: float64 (bins,), the share of them that is right; NaN in an empty bin.
    """

    images: Numbers
    said: Floats
    right: Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """The score of the class said, by whether it is the true one.

    Attributes:
        edges: float64 (bins + 1,).
        right: int64 (bins,), images told right.
        wrong: int64 (bins,), the others.
        probability: whether it is a probability.
    """

    edges: Floats
    right: Numbers
    wrong: Numbers
    probability: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """All that is drawn of a measured head besides its confusion matrix.

    Attributes:
        curves: of the classes with the least area, of two classes of the second one; none where
            all images are of one class.
        reliability: None without probabilities.
        scores: how sure the head is.
    """

    curves: tuple[Curve, ...]
    reliability: Reliability | None
    scores: Scores


def drawn(
    targets: Numbers,
    judged: Judgement,
    of_said: Floats | None,
    areas: Sequence[float | None],
    classes: Sequence[str],
) -> Drawn:
    """What to draw of what a head said.

    Args:
        targets: true class numbers (n,).
        judged: what the head said of the same images.
        of_said: float64 (n,), probability of the class said; None without probabilities.
        areas: under the ROC curve, by class number.
        classes: names by number.
    """
    there = [(area, number) for number, area in enumerate(areas) if area is not None]
    chosen = [each for each in there if each[1] == 1] if len(classes) == 2 else sorted(there)
    curves = [
        _curve(targets == number, judged.ranking[:, number], classes[number], area)
        for area, number in chosen[:CLASSES]
    ]
    right = targets == judged.predicted
    rows = np.arange(len(targets))
    scores = judged.ranking[rows, judged.predicted] if of_said is None else of_said
    span = (float(scores.min()), float(scores.max())) if of_said is None else (0.0, 1.0)
    edges = np.histogram_bin_edges(scores, SCORE_BINS, span)
    return Drawn(
        tuple(curves),
        None if of_said is None else _reliability(of_said, right),
        Scores(
            edges,
            np.histogram(scores[right], edges)[0],
            np.histogram(scores[~right], edges)[0],
            of_said is not None,
        ),
    )


def _curve(of_class: npt.NDArray[np.bool_], scores: Floats, name: str, area: float) -> Curve:
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    cuts = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    hits, taken = np.cumsum(of_class[order])[cuts], cuts + 1
    images = int(of_class.sum())
    # Along both axes: of a rare class nearly all of the recall lies among the first images.
    along = np.linspace(0, len(cuts) - 1, POINTS // 2).round().astype(np.int64)
    up = np.searchsorted(hits, np.linspace(1, images, POINTS // 2))
    few = np.unique(np.append(along, up))
    hits, taken = hits[few], taken[few]
    return Curve(
        name,
        area,
        images / len(of_class),
        np.append(0.0, (taken - hits) / (len(of_class) - images)),
        np.append(0.0, hits / images),
        np.append(hits[0] / taken[0], hits / taken),
    )


def _reliability(of_said: Floats, right: npt.NDArray[np.bool_]) -> Reliability:
    bins = bins_of(of_said)
    images = np.bincount(bins, minlength=BINS)
    some = np.where(images, images, 1)
    said = np.bincount(bins, of_said, minlength=BINS) / some
    shares = np.bincount(bins, right, minlength=BINS) / some
    empty = images == 0
    return Reliability(images, np.where(empty, np.nan, said), np.where(empty, np.nan, shares))
