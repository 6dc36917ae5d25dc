"""What heads say of the images trained on that did not see them: each is fitted without a fold."""

from collections.abc import Mapping, Sequence

from classifiers.data.folds import cut, parted, require_whole, together, whole_images
from classifiers.data.side_by_side import Beside
from classifiers.data.training_set import StreamedSet
from classifiers.from_features.holding import choose_holding
from classifiers.from_features.job import TrainJob
from classifiers.models.deciding import Unseen, unseen_by
from pipelines.cli import log
from pipelines.errors import UsageError

FOLDS = 5

INSTEAD = "calibrate on a --validation_split, or without --calibrate"


def judge_out_of_fold(
    job: TrainJob,
    train: StreamedSet,
    validation: StreamedSet | None,
    classes: Sequence[str],
    class_weight: Mapping[int, float] | None,
    beside: Beside,
) -> Unseen:
    """Train a head without each of `FOLDS` folds, and have it judge that fold.

    A fold parts no image from its copies, its equals or its group, and augmented copies are
    trained on but not judged. Features are read again for each fold, so that no more is held at
    once than for one training.

    Args:
        job: the training; its seed is that of the folds, and of every training.
        train: the rows trained on.
        validation: those validated on while training; None without any.
        classes: names by number.
        class_weight: by class number; None when all are alike.
        beside: the tables whose features follow those of the rows' own.

    Raises:
        UsageError: a class has too few images that can be parted.
        ModelError: some scores of a head are no finite numbers.
    """
    units = together(train.rows)
    counts = parted(train.targets, units, len(classes))
    least = int(counts.argmin())
    if counts[least] < 2:
        raise UsageError(
            f"class {classes[least]!r} has one image, or images that no fold may part, so that "
            f"there are no folds to calibrate on; {INSTEAD}"
        )
    number = min(FOLDS, int(counts[least]))
    folds = cut(train.targets, units, whole_images(train.rows.keys), number, job.seed)
    require_whole(folds, train.targets, classes, INSTEAD)
    told = []
    for place, fold in enumerate(folds, 1):
        log(f"calibrating: trains without fold {place} of {number}")
        fitted_on, judged = train.only(fold.train), train.only(fold.test)
        sets = choose_holding(job.head, fitted_on, validation, job.budget, beside=beside).sets
        given = (sets["train"], sets.get("validation"), len(classes), class_weight, job.seed)
        fitted, _ = job.head.fit(*given)
        told += unseen_by(
            fitted, (beside.hold(judged) if beside.tables else judged).batches(), classes
        )
    return Unseen(told, job.train_split, number)
