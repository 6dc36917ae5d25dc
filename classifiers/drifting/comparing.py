"""Comparing two sets of images by their features: as a whole, class by class, image by image."""

import numpy as np
import numpy.typing as npt

from classifiers.drifting.moved import alike, moved_most, shared_ids
from classifiers.drifting.permuting import Pairs, Tested, Vectors, classifier_test, mmd
from classifiers.drifting.report import ClassShift, DriftReport
from classifiers.drifting.side import LEAST, Side
from pipelines.errors import TableError

SAMPLE = 1_000
"""Images of a side that the tests of the whole look at, at most."""

OF_CLASS = 200
"""Images of a side that the test of one class looks at, at most."""

MOVED_OF = 10_000
"""Images of the second side that are held against all of the first, at most."""


def compare(
    first: Side, second: Side, alpha: float, permutations: int, most: int, seed: int
) -> DriftReport:
    """Say whether, and where, the second set of images differs from the first.

    Images of the second that are on both sides alike, as most are in the next version of a table,
    would hide what has come or changed; the tests hold the others of it against all of the first.

    Args:
        first: the images before.
        second: the images after.
        alpha: greatest probability of an alarm where nothing drifted, above 0 and below 1.
        permutations: of each test.
        most: images wanted that moved most.
        seed: of all samples and permutations.

    Raises:
        TableError: they are not of the same number of features.
    """
    if first.vectors.shape[1] != second.vectors.shape[1]:
        raise TableError(
            f"{first.name} has {first.vectors.shape[1]} channels, {second.name} has "
            f"{second.vectors.shape[1]}; compare tables of one contract"
        )
    random = np.random.default_rng(seed)
    fresh = second.only(np.flatnonzero(~alike(first, second)))
    classifier, by_kernel = _whole(first, fresh, permutations, random)
    return DriftReport(
        first=first.name,
        second=second.name,
        images=(len(first.ids), len(second.ids)),
        shared=shared_ids(first, second),
        tested=len(fresh.ids),
        classifier=classifier,
        mmd=by_kernel,
        classes=_classes(first, second, fresh, permutations, random),
        moved=moved_most(first, _at_most(fresh, MOVED_OF, random), most),
        alpha=alpha,
    )


def _whole(
    first: Side, fresh: Side, permutations: int, random: np.random.Generator
) -> tuple[Tested | None, Tested | None]:
    """Both tests of the whole; None of either where there are too few images."""
    if len(fresh.ids) < LEAST:
        return None, None
    some, others = _samples(first, fresh, SAMPLE, random)
    one, other = _standardised(some, others)
    return (
        _classifier(some, others, one, other, permutations, random),
        mmd(one, other, _pairs(some, others), permutations, random),
    )


def _at_most(side: Side, most: int, random: np.random.Generator) -> Side:
    return side.only(np.sort(random.permutation(len(side.ids))[:most]))


def _samples(
    first: Side, second: Side, most: int, random: np.random.Generator
) -> tuple[Side, Side]:
    """At most so many images of either side, and of those on both sides the same."""
    ids, places = np.unique(np.concatenate([first.ids, second.ids]), return_inverse=True)
    keys = random.permutation(len(ids))[places]
    one, other = keys[: len(first.ids)], keys[len(first.ids) :]
    return (
        first.only(np.sort(np.argsort(one)[:most])),
        second.only(np.sort(np.argsort(other)[:most])),
    )


def _pairs(first: Side, second: Side) -> Pairs:
    _, one, other = np.intersect1d(first.ids, second.ids, assume_unique=True, return_indices=True)
    return one, other


def _standardised(first: Side, second: Side) -> tuple[Vectors, Vectors]:
    """Both with a mean of 0 and a standard deviation of 1 together, so no test sees a side."""
    both = np.vstack([first.vectors, second.vectors]).astype(np.float64)
    both -= both.mean(axis=0)
    spread = both.std(axis=0)
    # What is constant but for rounding must not be blown up.
    both /= np.where(spread > 1e-6 * spread.max(initial=0.0), spread, np.inf)
    return both[: len(first.ids)], both[len(first.ids) :]


def _classifier(
    first: Side,
    second: Side,
    one: Vectors,
    other: Vectors,
    permutations: int,
    random: np.random.Generator,
) -> Tested:
    trained, tried = _halves(first, second, random)
    pairs = _pairs(first.only(np.flatnonzero(tried[0])), second.only(np.flatnonzero(tried[1])))
    return classifier_test(
        (one[trained[0]], other[trained[1]]),
        (one[tried[0]], other[tried[1]]),
        pairs,
        permutations,
        random,
    )


Chosen = npt.NDArray[np.bool_]


def _halves(
    first: Side, second: Side, random: np.random.Generator
) -> tuple[tuple[Chosen, Chosen], tuple[Chosen, Chosen]]:
    """Half of either side, and the rest; an image that both have is in the same half of both."""
    before, after = _pairs(first, second)
    halves = _half(len(first.ids), random), _half(len(second.ids), random)
    if len(before):
        halves[1][after] = halves[0][before]
        if not 2 <= halves[1].sum() <= len(second.ids) - 2:
            halves[1][:] = _half(len(second.ids), random)
    return halves, (~halves[0], ~halves[1])


def _half(count: int, random: np.random.Generator) -> Chosen:
    chosen = np.zeros(count, np.bool_)
    chosen[random.permutation(count)[: count // 2]] = True
    return chosen


def _classes(
    first: Side, second: Side, fresh: Side, permutations: int, random: np.random.Generator
) -> tuple[ClassShift, ...]:
    labels = {label for side in (first, second) for label in side.labels if label is not None}
    found = []
    for label in sorted(labels):
        before, now, new = (
            side.only(np.flatnonzero(side.labels == label)) for side in (first, second, fresh)
        )
        tested = None
        if min(len(before.ids), len(new.ids)) >= LEAST:
            one, other = _samples(before, new, OF_CLASS, random)
            pairs = _pairs(one, other)
            tested = mmd(*_standardised(one, other), pairs, permutations, random)
        counts = len(before.ids), len(now.ids)
        shares = counts[0] / len(first.ids), counts[1] / len(second.ids)
        found.append(ClassShift(label, counts, shares, tested))
    return tuple(found)
