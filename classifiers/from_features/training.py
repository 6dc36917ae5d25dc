"""One training: stored features in, a model folder out. The base is not touched."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from math import prod

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.data.encoding import classes_of, parse_class_weight
from classifiers.data.held_out import held_out_split, validating
from classifiers.data.pooled import require_maps
from classifiers.data.row_groups import SplitRows, find_rows, splits
from classifiers.data.side_by_side import Beside
from classifiers.data.training_set import StreamedSet, labelled_rows
from classifiers.from_features.beside import beside_cards, open_beside
from classifiers.from_features.holding import choose_holding
from classifiers.from_features.identity import state_of
from classifiers.from_features.job import TrainJob
from classifiers.from_features.out_of_fold import judge_out_of_fold
from classifiers.from_features.several import train_several
from classifiers.heads.course import Course, require_validation
from classifiers.heads.head import Converging, EpochHead
from classifiers.heads.pooling import Pooling
from classifiers.models.card import Asked, ModelCard
from classifiers.models.deciding import (
    Decided,
    Unseen,
    fit_decisions,
    require_held_out,
    unseen_by,
)
from classifiers.models.evaluation import Evaluation, measure
from classifiers.models.folder import write_model
from classifiers.models.own_base import bring_base
from classifiers.models.pictures import draw
from classifiers.models.pinning import pin_table
from classifiers.models.provenance import library_versions, now
from classifiers.models.reports import TrainReport
from classifiers.models.several.reports import SeveralTrainReport
from pipelines.cli import log
from pipelines.table.feature_table import FeatureTable


def train_either(job: TrainJob) -> TrainReport | SeveralTrainReport:
    """Train a head and write its model: one of several labels where no image has one class.

    Raises:
        FrozenFeaturesError: as `train` or `train_several`.
    """
    table, rows, beside = _found(job)
    if rows.may_have_several_labels:
        return train_several(job, table, rows, beside)
    return _train(job, table, rows, beside)


def train(job: TrainJob) -> TrainReport:
    """Train a head that tells classes apart, and write its model.

    Raises:
        UsageError: the folder is taken, or the options do not fit the table.
        TableError: there is no such table or split, or it has one class only.
    """
    table, rows, beside = _found(job)
    rows.require_one_label()
    return _train(job, table, rows, beside)


def _found(job: TrainJob) -> tuple[FeatureTable, SplitRows, Beside]:
    job.model.check()
    table = FeatureTable.open(job.table, job.table_version)
    require_maps(table, job.pooling, "--pooling")
    beside = open_beside(job, table)
    rows = _rows(table, job)
    return table, beside.common(rows, " and ".join(job.trained_on)), beside


def _train(job: TrainJob, table: FeatureTable, rows: SplitRows, beside: Beside) -> TrainReport:
    started, worked = time.monotonic(), time.process_time()
    job.head.check(rows.keys.num_rows)
    classes = classes_of(rows.labels())
    training, validation = labelled_rows(rows, classes, job.train_split, job.pooling), None
    held_out = held_out_split(job.train_split, job.validation_split, splits(table))
    if held_out is not None:
        with validating(held_out):
            found = beside.common(find_rows(table, held_out, copies=0), held_out)
            validation = labelled_rows(found, classes, held_out, job.pooling)
    on_folds = job.wanted.is_on_folds(validates=validation is not None)
    targets = None if validation is None else validation.image_targets
    require_held_out(job.wanted, targets, held_out, on_folds=on_folds)
    if isinstance(job.head, EpochHead):
        require_validation(job.head.keep, job.head.patience, held_out)
    weight = parse_class_weight(job.class_weight, classes, training.image_targets)
    copies = pc.max(training.rows.keys["copy"]).as_py()
    if job.copies is not None and job.copies > copies:
        log(f"this version of the table has {copies} copies of an image at most, not {job.copies}")

    out_of_fold = None
    if on_folds:
        out_of_fold = judge_out_of_fold(job, training, validation, classes, weight, beside)
    holding = choose_holding(job.head, training, validation, job.budget, beside=beside)
    log(holding.reason)
    sets = holding.sets
    given = (sets["train"], sets.get("validation"), len(classes), weight, job.seed)
    state, course = None, Course()
    if isinstance(job.head, EpochHead):
        both = {"train": training, "validation": validation}
        state = state_of(job, table, both, classes, weight, beside, streams=holding.streams)
        course = Course(job.head.keep, job.head.patience, state)
        head, history = job.head.fit(*given, course)
    else:
        head, history = job.head.fit(*given)
    decisions = None
    if job.wanted.anything:
        unseen = None
        if held_out is not None:
            images = sets["validation"].image_batches()
            unseen = Unseen(unseen_by(head, images, classes), held_out)
        decisions = fit_decisions(unseen, out_of_fold, classes, job.wanted)
    decided = Decided(head, decisions)
    measured = {
        name: measure(decided, part.image_batches(), classes, decisions)
        for name, part in sets.items()
    }
    card = ModelCard(
        head=job.head.name,
        settings=job.head.settings(),
        contract=table.contract,
        contract_id=table.contract.contract_id,
        table=table.uri,
        table_version=table.version,
        classes=classes,
        splits={
            "train": " and ".join(job.trained_on),
            "validation": held_out,
        },
        rows={name: len(part.image_targets) for name, part in sets.items()},
        class_weight=None if weight is None else {classes[k]: w for k, w in weight.items()},
        seed=job.seed,
        metrics={name: each.as_json() for name, each in measured.items()},
        seconds=round(time.monotonic() - started + course.seconds_before, 3),
        cpu_seconds=round(time.process_time() - worked + course.cpu_seconds_before, 3),
        created=now(),
        versions=library_versions(),
        streamed_within=job.budget.size if holding.streams else None,
        copies=copies,
        beside=beside_cards(beside),
        augmentation=asdict(table.augmentation) if copies and table.augmentation else None,
        decisions=decisions,
        course=course.outcome(),
        converged=head.converged if isinstance(head, Converging) else None,
        asked=Asked(
            job.trained_on,
            job.class_weight,
            job.copies,
            job.wanted.calibrate,
            job.wanted.calibrate_by,
            job.wanted.calibrate_on,
        ),
        pooled=_pooled(job, training),
    )
    with job.model.draft() as draft:
        card = write_model(draft.folder, head, card, history or [_only_row(measured)])
        bring_base(table, draft.folder)
        part, split = (
            ("train", " and ".join(job.trained_on))
            if held_out is None
            else ("validation", held_out)
        )
        draw(draft.folder, history, measured[part], job.head.name, split)
    if state is not None:
        state.delete()
    for each in (table, *beside.tables):
        pin_table(each, each.version, draft.place)
    return TrainReport(draft.place, card)


def _pooled(job: TrainJob, rows: StreamedSet) -> Pooling | None:
    if job.pooling == "none":
        return None
    return Pooling(job.pooling, prod(rows.rows.table.feature_shape[:-1]))


def _rows(table: FeatureTable, job: TrainJob) -> SplitRows:
    if job.besides is None:
        return find_rows(table, job.train_split, job.copies, "--train_split")
    rows = find_rows(table, None, job.copies)
    wanted = pc.is_in(rows.keys.column("split"), pa.array(job.trained_on))
    return rows.only(wanted.to_numpy())


def _only_row(measured: Mapping[str, Evaluation]) -> dict[str, float]:
    row = {"epoch": 1.0}
    for part, prefix in (("train", ""), ("validation", "val_")):
        if part in measured:
            loss = measured[part].log_loss
            row |= {} if loss is None else {f"{prefix}loss": loss}
            row |= {f"{prefix}accuracy": measured[part].accuracy}
    return row
