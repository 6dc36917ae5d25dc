"""One training: stored features in, a model folder out. The base is not touched."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.data.encoding import classes_of, parse_class_weight
from classifiers.data.held_out import held_out_split, validating
from classifiers.data.memory import MemoryBudget
from classifiers.data.row_groups import SplitRows, find_rows, splits
from classifiers.data.training_set import StreamedSet, labelled_rows
from classifiers.from_features.holding import choose_holding
from classifiers.heads.course import Course, require_validation
from classifiers.heads.head import Converging, EpochHead, Head
from classifiers.models.card import Asked, ModelCard
from classifiers.models.deciding import Decided, fit_decisions, require_held_out
from classifiers.models.decision_options import NOTHING, Wanted
from classifiers.models.evaluation import Evaluation, measure
from classifiers.models.folder import write_model
from classifiers.models.own_base import bring_base
from classifiers.models.pictures import draw
from classifiers.models.pinning import pin_table
from classifiers.models.provenance import library_versions, now
from classifiers.models.reports import TrainReport
from classifiers.models.targets import Target
from classifiers.models.training_state import (
    CHECKPOINT_SECONDS,
    TrainingState,
    digest,
    of_every_training,
)
from pipelines.cli import log
from pipelines.table.feature_table import FeatureTable


@dataclass(frozen=True, slots=True)
class TrainJob:
    """One training.

    Attributes:
        table: the table's location.
        table_version: version to train on; None for the newest.
        head: kind of head and its settings.
        model: where the model goes.
        train_split: split to train on.
        validation_split: split to validate on; None for what is called so, if there is one.
        copies: augmented copies of an image to train on at most; None for all that there are.
        wanted: what is to be fitted on the split validated on.
        besides: a second split to train on.
        checkpoint_every: seconds between two states that a killed training can go on from; None to
            keep none, nor go on from one.
        class_weight: "none", "balanced" or "CLASS=WEIGHT,...".
        seed: of every random choice.
        budget: most memory for features; what does not fit is streamed from the table.
    """

    table: str
    table_version: int | None
    head: Head
    model: Target
    train_split: str
    validation_split: str | None
    class_weight: str
    seed: int
    budget: MemoryBudget
    copies: int | None = None
    wanted: Wanted = NOTHING
    besides: str | None = None
    checkpoint_every: float | None = CHECKPOINT_SECONDS


def train(job: TrainJob) -> TrainReport:
    """Train a head and write its model.

    Raises:
        UsageError: the folder is taken, or the options do not fit the table.
        TableError: there is no such table or split, or it has one class only.
    """
    started, worked = time.monotonic(), time.process_time()
    job.model.check()
    table = FeatureTable.open(job.table, job.table_version)
    rows = _rows(table, job)
    job.head.check(rows.keys.num_rows)
    rows.require_one_label()
    classes = classes_of(rows.labels())
    training, validation = labelled_rows(rows, classes, job.train_split), None
    held_out = held_out_split(job.train_split, job.validation_split, splits(table))
    if held_out is not None:
        with validating(held_out):
            found = find_rows(table, held_out, copies=0)
            validation = labelled_rows(found, classes, held_out)
    require_held_out(job.wanted, None if validation is None else validation.image_targets, held_out)
    if isinstance(job.head, EpochHead):
        require_validation(job.head.keep, job.head.patience, held_out)
    weight = parse_class_weight(job.class_weight, classes, training.image_targets)
    copies = pc.max(training.rows.keys["copy"]).as_py()
    if job.copies is not None and job.copies > copies:
        log(f"this version of the table has {copies} copies of an image at most, not {job.copies}")

    holding = choose_holding(job.head, training, validation, job.budget)
    log(holding.reason)
    sets = holding.sets
    given = (sets["train"], sets.get("validation"), len(classes), weight, job.seed)
    state, course = None, Course()
    if isinstance(job.head, EpochHead):
        beside = job.model.state_beside()
        if job.checkpoint_every is not None and beside is not None:
            identity = _identity(
                job, table, {"train": training, "validation": validation}, classes, weight
            )
            identity["streamed_within"] = job.budget.size if holding.streams else None
            state = TrainingState(beside, identity, job.checkpoint_every)
        course = Course(job.head.keep, job.head.patience, state)
        head, history = job.head.fit(*given, course)
    else:
        head, history = job.head.fit(*given)
    decisions = None
    if job.wanted.anything and held_out is not None:
        images = sets["validation"].image_batches()
        decisions = fit_decisions(head, images, classes, held_out, job.wanted)
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
            "train": " and ".join(_trained_on(job)),
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
        augmentation=asdict(table.augmentation) if copies and table.augmentation else None,
        decisions=decisions,
        course=course.outcome(),
        converged=head.converged if isinstance(head, Converging) else None,
        asked=Asked(tuple(_trained_on(job)), job.class_weight, job.copies, job.wanted.calibrate),
    )
    with job.model.draft() as draft:
        card = write_model(draft.folder, head, card, history or [_only_row(measured)])
        bring_base(table, draft.folder)
        part, split = (
            ("train", " and ".join(_trained_on(job)))
            if held_out is None
            else ("validation", held_out)
        )
        draw(draft.folder, history, measured[part], job.head.name, split)
    if state is not None:
        state.delete()
    pin_table(table, table.version, draft.place)
    return TrainReport(draft.place, card)


def _trained_on(job: TrainJob) -> list[str]:
    return [job.train_split, *([] if job.besides is None else [job.besides])]


def _rows(table: FeatureTable, job: TrainJob) -> SplitRows:
    if job.besides is None:
        return find_rows(table, job.train_split, job.copies, "--train_split")
    rows = find_rows(table, None, job.copies)
    wanted = pc.is_in(rows.keys.column("split"), pa.array(_trained_on(job)))
    return rows.only(wanted.to_numpy())


def _identity(
    job: TrainJob,
    table: FeatureTable,
    parts: Mapping[str, StreamedSet | None],
    classes: Sequence[str],
    weight: Mapping[int, float] | None,
) -> dict[str, Any]:
    """What makes this training the one that it is."""
    return {
        "head": job.head.name,
        "settings": job.head.settings(),
        "table": table.uri,
        "table_version": table.version,
        "contract": table.contract.contract_id,
        **{name: None if part is None else _rows_digest(part) for name, part in parts.items()},
        **of_every_training(classes, weight, job.seed),
    }


def _rows_digest(part: StreamedSet) -> str:
    """A hash of which rows a split has, of which classes, and of the files that they lie in."""
    groups = [f"{group.path}\0{group.number}".encode() for group in part.rows.groups]
    ids = "\0".join(part.rows.keys.column("image_id").to_pylist())
    copies = part.rows.keys.column("copy").to_numpy()
    return digest([ids.encode("utf-8", "surrogatepass"), copies, part.targets, *groups])


def _only_row(measured: Mapping[str, Evaluation]) -> dict[str, float]:
    row = {"epoch": 1.0}
    for part, prefix in (("train", ""), ("validation", "val_")):
        if part in measured:
            loss = measured[part].log_loss
            row |= {} if loss is None else {f"{prefix}loss": loss}
            row |= {f"{prefix}accuracy": measured[part].accuracy}
    return row
