"""One training of a head that gives an image several labels."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow.compute as pc

from classifiers.data.encoding import named
from classifiers.data.held_out import held_out_split, validating
from classifiers.data.label_sets import learnable, marked_rows, read_label_sets
from classifiers.data.row_groups import SplitRows, find_rows, splits
from classifiers.data.side_by_side import Beside
from classifiers.from_features.beside import beside_cards
from classifiers.from_features.holding import choose_holding
from classifiers.from_features.identity import state_of
from classifiers.from_features.job import TrainJob
from classifiers.heads.course import Course, require_validation
from classifiers.heads.head import Converging, EpochHead
from classifiers.heads.several.catalogue import several_of
from classifiers.heads.several.head import Opinion
from classifiers.models.card import Asked, ModelCard
from classifiers.models.folder import write_model
from classifiers.models.own_base import bring_base
from classifiers.models.pictures import draw_history
from classifiers.models.pinning import pin_table
from classifiers.models.provenance import library_versions, now
from classifiers.models.several.decided import SeveralLabels, fit_label_thresholds
from classifiers.models.several.measures import (
    Marks,
    SeveralEvaluation,
    evaluate_several,
    opinions_on,
)
from classifiers.models.several.reports import SeveralTrainReport
from pipelines.cli import log
from pipelines.errors import UsageError
from pipelines.table.feature_table import FeatureTable

WEIGHTS = ("none", "balanced")


def train_several(
    job: TrainJob, table: FeatureTable, rows: SplitRows, beside: Beside
) -> SeveralTrainReport:
    """Train a head of several labels and write its model.

    Args:
        job: the training.
        table: its table.
        rows: those to train on.
        beside: the tables whose features follow its own.

    Raises:
        UsageError: the head cannot, or an option has no meaning for several labels.
        TableError: there is no such split, or no label that tells images apart.
    """
    started, worked = time.monotonic(), time.process_time()
    head = several_of(job.head)
    _refuse(job)
    head.check(rows.keys.num_rows)
    trained_on = " and ".join(job.trained_on)
    sets = read_label_sets(rows)
    labels = learnable(sets, trained_on)
    training, validation = marked_rows(rows, sets, labels, trained_on), None
    held_out = held_out_split(job.train_split, job.validation_split, splits(table))
    if held_out is not None:
        with validating(held_out):
            found = beside.common(find_rows(table, held_out, copies=0), held_out)
            validation = marked_rows(found, read_label_sets(found), labels, held_out)
    elif job.wanted.criterion is not None:
        raise UsageError(
            "--threshold is fitted on images that the head was not trained on, and there are none: "
            "name their split with --validation_split"
        )
    if isinstance(job.head, EpochHead):
        require_validation(job.head.keep, job.head.patience, held_out)
    log(f"one output for each label, of which an image may have several: {named(labels)}")
    holding = choose_holding(head, training, validation, job.budget, "--head dense", beside)
    log(holding.reason)
    state, course = None, Course()
    if isinstance(job.head, EpochHead):
        both = {"train": training, "validation": validation}
        state = state_of(job, table, both, labels, None, beside, streams=holding.streams)
        course = Course(job.head.keep, job.head.patience, state)
    parts = holding.sets
    fitted, history = head.fit(
        parts["train"],
        parts.get("validation"),
        len(labels),
        job.class_weight,
        job.seed,
        course,
    )
    told = {name: opinions_on(fitted, part.image_batches(), labels) for name, part in parts.items()}
    several = _several(job, told, labels, held_out)
    measured = {
        name: evaluate_several(opinion, marks, labels, several)
        for name, (opinion, marks) in told.items()
    }
    copies = pc.max(training.rows.keys["copy"]).as_py()
    card = ModelCard(
        head=head.name,
        settings=head.settings(),
        contract=table.contract,
        contract_id=table.contract.contract_id,
        table=table.uri,
        table_version=table.version,
        classes=labels,
        splits={"train": trained_on, "validation": held_out},
        rows={name: each.images for name, each in measured.items()},
        class_weight=None,
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
        course=course.outcome(),
        converged=fitted.converged if isinstance(fitted, Converging) else None,
        asked=Asked(job.trained_on, job.class_weight, job.copies, calibrate=False),
        several=several,
    )
    with job.model.draft() as draft:
        card = write_model(draft.folder, fitted, card, history or [_only_row(measured)])
        bring_base(table, draft.folder)
        draw_history(draft.folder, history)
    if state is not None:
        state.delete()
    for each in (table, *beside.tables):
        pin_table(each, each.version, draft.place)
    return SeveralTrainReport(draft.place, card)


def _refuse(job: TrainJob) -> None:
    """Refuse options that have no meaning for several labels."""
    for name, is_given in (
        ("--pooling", job.pooling != "none"),
        ("--calibrate", job.wanted.calibrate),
        ("--coverage", job.wanted.coverage is not None),
    ):
        if is_given:
            raise UsageError(
                f"{name} is for classes of which an image has one, and these images have several "
                "labels each; leave it out"
            )
    if job.class_weight not in WEIGHTS:
        raise UsageError(
            f"--class_weight {job.class_weight}: of several labels an image it is none or balanced"
        )


def _several(
    job: TrainJob,
    told: Mapping[str, tuple[Opinion, Marks]],
    labels: Sequence[str],
    held_out: str | None,
) -> SeveralLabels:
    if job.wanted.criterion is None or held_out is None:
        return SeveralLabels(dict.fromkeys(labels, 0.0))
    opinion, marks = told["validation"]
    found = fit_label_thresholds(opinion.scores, marks, labels, held_out, job.wanted.criterion)
    return SeveralLabels(found, str(job.wanted.criterion), held_out)


def _only_row(measured: Mapping[str, SeveralEvaluation]) -> dict[str, Any]:
    row: dict[str, Any] = {"epoch": 1.0}
    for part, prefix in (("train", ""), ("validation", "val_")):
        if part in measured:
            loss = measured[part].log_loss
            row |= {} if loss is None else {f"{prefix}loss": loss}
            row |= {f"{prefix}accuracy": measured[part].label_accuracy}
    return row
