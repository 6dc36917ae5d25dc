"""Fitting a head's calibration, thresholds and sets, and judging by them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import Batch
from classifiers.heads.head import Judge, Judgement
from classifiers.models.calibration import calibrated, fit_sigmoids, fit_temperature
from classifiers.models.conformal import fit_least, require_images
from classifiers.models.decision_options import Wanted
from classifiers.models.decisions import Decisions
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


def require_held_out(wanted: Wanted, targets: Numbers | None, split: str | None) -> None:
    """Refuse what the images to validate on cannot decide, before a head is trained.

    Args:
        wanted: what is to be fitted.
        targets: their true class numbers (n,); None without any.
        split: what they are called.

    Raises:
        UsageError: there are none, of one class only, or too few for the coverage.
    """
    given = {
        "--calibrate": wanted.calibrate,
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
    if (wanted.calibrate or wanted.criterion is not None) and len(np.unique(targets)) < 2:
        raise UsageError(
            f"{asked[0]} takes images of two classes at least to validate on, and all in split "
            f"{split!r} are of one; name another --validation_split"
        )
    if wanted.coverage is not None:
        require_images(len(targets), wanted.coverage)


def fit_decisions(
    head: Judge, batches: Iterable[Batch], classes: Sequence[str], split: str, wanted: Wanted
) -> Decisions:
    """Fit what is wanted on images that `require_held_out` has let pass; one batch is held at once.

    Thresholds are of calibrated scores. Sets are of the head's own, on which alone the images were
    not looked at before, as the promise of their coverage takes for granted.

    Args:
        head: the trained head.
        batches: features and targets of the images validated on.
        classes: names by number.
        split: what the images are called.
        wanted: what to fit.

    Raises:
        ModelError: some scores of the head are no finite numbers.
    """
    told = [(targets, head.judge(features)) for features, targets in batches]
    for _, each in told:
        require_scores(each, classes)
    targets = np.concatenate([targets for targets, _ in told])
    own = np.concatenate([each.ranking for _, each in told])
    require_finite(own)
    has_logits = told[0][1].log_odds is not None
    temperature, sigmoids, thresholds, least = None, None, None, None
    if wanted.calibrate and has_logits:
        temperature = fit_temperature(own, targets)
        if temperature is None:
            log(
                f"not calibrated: of the {len(targets)} images in split {split!r} the head tells "
                "all right, or no more than by chance, and no temperature is the best for that"
            )
    elif wanted.calibrate:
        sigmoids = fit_sigmoids(own, targets)
    found = Decisions(split, len(targets), temperature, sigmoids)
    if wanted.criterion is not None:
        said = [calibrated(each, found).ranking for _, each in told]
        thresholds = fit_thresholds(np.concatenate(said), targets, classes, wanted.criterion)
        never = [name for name, value in thresholds.items() if value is None]
        if never:
            log(
                f"--threshold {wanted.criterion} is reached by no threshold in split {split!r} for "
                f"{few(never, SHOWN)}, which no image will be decided for"
            )
    if wanted.coverage is not None:
        least = fit_least(own[np.arange(len(targets)), targets], wanted.coverage)
    return Decisions(
        split,
        len(targets),
        temperature,
        sigmoids,
        None if wanted.criterion is None else str(wanted.criterion),
        thresholds,
        wanted.coverage,
        least,
    )
