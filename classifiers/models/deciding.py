"""Fitting a head's calibration, thresholds and sets, and judging by them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import Batch
from classifiers.heads.head import Judge, Judgement
from classifiers.models.calibration import calibrated, fit_sigmoids, fit_temperature
from classifiers.models.conformal import fit_least, require_images
from classifiers.models.decision_options import ISOTONIC, Wanted
from classifiers.models.decisions import Decisions
from classifiers.models.isotonic import fit_curves
from classifiers.models.soundness import require_finite, require_scores
from classifiers.models.thresholds import fit_thresholds
from pipelines.cli import few, log
from pipelines.errors import UsageError

SHOWN = 10
"""Classes that a message names."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Decided:
    """A head with what was fitted to it.

    Attributes:
        head: the head alone.
        decisions: None where nothing was fitted.
    """

    head: Judge
    decisions: Decisions | None

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """What the head says, calibrated: the one place where its probabilities become others."""
        return calibrated(self.head.judge(features), self.decisions)


@dataclass(frozen=True, slots=True)
class Unseen:
    """What is said of images by heads that were not trained on them.

    Attributes:
        told: by batch the true class numbers (n,), and what the head says.
        split: the split that they are of.
        folds: into how many it was cut, of each of which heads tell that were trained on the
            others; None where one head tells of all.
    """

    told: Sequence[tuple[Numbers, Judgement]]
    split: str
    folds: int | None = None

    @property
    def targets(self) -> Numbers:
        """Int64 (images,), true class numbers of all."""
        return np.concatenate([targets for targets, _ in self.told])

    @property
    def own(self) -> npt.NDArray[np.float64]:
        """Float64 (images, classes), by which the heads rank them."""
        return np.concatenate([each.ranking for _, each in self.told])


def unseen_by(
    head: Judge,
    batches: Iterable[Batch],
    classes: Sequence[str],
) -> list[tuple[Numbers, Judgement]]:
    """What a head says of images; one batch of features is held at once.

    Args:
        head: trained without them.
        batches: features and targets.
        classes: names by number.

    Raises:
        ModelError: some scores of the head are no finite numbers.
    """
    told = [(targets, head.judge(features)) for features, targets in batches]
    for _, each in told:
        require_scores(each, classes)
        require_finite(each.ranking)
    return told


def require_held_out(
    wanted: Wanted, targets: Numbers | None, split: str | None, *, on_folds: bool = False
) -> None:
    """Refuse what the images to validate on cannot decide, before a head is trained.

    Args:
        wanted: what is to be fitted.
        targets: their true class numbers (n,); None without any.
        split: what they are called.
        on_folds: whether probabilities are fitted out of fold, and not on these images.

    Raises:
        UsageError: there are none, of one class only, or too few for the coverage.
    """
    given = {
        "--calibrate": wanted.calibrate and not on_folds,
        "--threshold": wanted.criterion is not None,
        "--coverage": wanted.coverage is not None,
    }
    asked = [name for name, is_given in given.items() if is_given]
    if asked and targets is None:
        raise UsageError(
            f"{asked[0]} is fitted on images that the head was not trained on, and there are none: "
            "name their split with --validation_split"
        )
    if targets is None:
        return
    if (given["--calibrate"] or given["--threshold"]) and len(np.unique(targets)) < 2:
        raise UsageError(
            f"{asked[0]} takes images of two classes at least to validate on, and all in split "
            f"{split!r} are of one; name another --validation_split"
        )
    if wanted.coverage is not None:
        require_images(len(targets), wanted.coverage)


def fit_decisions(
    held_out: Unseen | None, out_of_fold: Unseen | None, classes: Sequence[str], wanted: Wanted
) -> Decisions:
    """Fit what is wanted on images that `require_held_out` has let pass.

    Thresholds are of calibrated scores. Sets are of the head's own, on which alone the images were
    not looked at before, as the promise of their coverage takes for granted.

    Args:
        held_out: what the head says of the images validated on; None without any.
        out_of_fold: what is calibrated on instead; None if that is `held_out`.
        classes: names by number.
        wanted: what to fit.
    """
    calibrating, seen = out_of_fold or held_out, held_out or out_of_fold
    if calibrating is None or seen is None:
        raise ValueError("nothing to fit on")
    targets, own = seen.targets, seen.own
    found = Decisions(seen.split, len(targets), folds=calibrating.folds)
    if wanted.calibrate:
        found = _with_calibration(found, calibrating, wanted)
    if wanted.criterion is not None:
        said = [calibrated(each, found).ranking for _, each in seen.told]
        thresholds = fit_thresholds(np.concatenate(said), targets, classes, wanted.criterion)
        never = [name for name, value in thresholds.items() if value is None]
        if never:
            log(
                f"--threshold {wanted.criterion} is reached by no threshold in split "
                f"{seen.split!r} for {few(never, SHOWN)}, which no image will be decided for"
            )
        found = replace(found, criterion=str(wanted.criterion), thresholds=thresholds)
    if wanted.coverage is not None:
        least = fit_least(own[np.arange(len(targets)), targets], wanted.coverage)
        found = replace(found, coverage=wanted.coverage, least=least)
    return found


def _with_calibration(found: Decisions, unseen: Unseen, wanted: Wanted) -> Decisions:
    targets, own = unseen.targets, unseen.own
    if wanted.calibrate_by == ISOTONIC:
        return replace(found, isotonic=fit_curves(own, targets))
    if unseen.told[0][1].log_odds is None:
        return replace(found, sigmoids=fit_sigmoids(own, targets))
    temperature = fit_temperature(own, targets)
    if temperature is None:
        log(
            f"not calibrated: of the {len(targets)} images in split {unseen.split!r} the head "
            "tells all right, or no more than by chance, and no temperature is the best for that"
        )
    return replace(found, temperature=temperature)
