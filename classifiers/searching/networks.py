"""The accuracy of a network on one fold, trained as `train` does it."""

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import HeldSet, TrainingSet
from classifiers.heads.head import FittedHead
from classifiers.heads.losses import Floats
from classifiers.searching.data import DividedRows
from classifiers.searching.outcomes import Outcome
from classifiers.searching.settings import SettingsPath


def outcome(
    rows: DividedRows,
    features: npt.NDArray[np.float32],
    place: int,
    path: SettingsPath,
    class_weight: Floats,
    seed: int,
) -> Outcome:
    """The accuracy on features in memory.

    Args:
        rows: the rows and their folds, pooled.
        features: float32 (rows, length), all of theirs.
        place: of the fold.
        path: one setting.
        class_weight: float64 (classes,).
        seed: of the training.
    """
    fold, shape = rows.folds[place], rows.parts[0].shape
    images = rows.images_of(fold)
    train = HeldSet(features[fold.train], rows.targets[fold.train], shape, images)
    judged = _fit(path, train, class_weight, seed).judge(features[fold.test])
    return Outcome(float(np.mean(judged.predicted == rows.targets[fold.test])), True)


def streamed_outcome(
    rows: DividedRows, place: int, path: SettingsPath, class_weight: Floats, seed: int
) -> Outcome:
    """The accuracy on features that are streamed; see `outcome`."""
    fold = rows.folds[place]
    head = _fit(path, rows.parts[0].only(fold.train), class_weight, seed)
    right = 0
    for features, places in rows.map(lambda features, places: (features, places), fold.test):
        right += int((head.judge(features).predicted == rows.targets[places]).sum())
    return Outcome(right / len(fold.test), True)


def _fit(path: SettingsPath, train: TrainingSet, class_weight: Floats, seed: int) -> FittedHead:
    (setting,) = path.settings()
    weighted = dict(enumerate(class_weight.tolist())) if (class_weight != 1.0).any() else None
    return setting.make_head().fit(train, None, len(class_weight), weighted, seed)[0]
