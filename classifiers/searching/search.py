"""One search: stored features in, the best settings out, and a model of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers.data.encoding import parse_class_weight
from classifiers.data.held_out import NO_SPLIT, held_out_split
from classifiers.data.memory import MemoryBudget
from classifiers.data.pooled import require_maps
from classifiers.data.row_groups import splits
from classifiers.from_features.job import TrainJob
from classifiers.from_features.training import train
from classifiers.models.reports import TrainReport
from classifiers.models.targets import Target
from classifiers.searching.data import DividedRows, Division, divide
from classifiers.searching.findings import Finding, best_of
from classifiers.searching.kept import Kept
from classifiers.searching.report import SearchReport, write_findings
from classifiers.searching.room import require_room, require_trainable
from classifiers.searching.scoring import score
from classifiers.searching.settings import Setting, Space
from classifiers.searching.voting import require_neighbours
from pipelines.cli import log
from pipelines.errors import UsageError
from pipelines.table.feature_table import FeatureTable

TRAIN_ONLY, WITH_VALIDATION = "train", "train+validation"
REFITS = (TRAIN_ONLY, WITH_VALIDATION)
"""On what the best setting's model is fitted."""


@dataclass(frozen=True, slots=True)
class SearchJob:
    """One search.

    Attributes:
        table: the table's location.
        table_version: version to search on; None for the newest.
        space: the settings.
        folds: how many; None to score on the validation split.
        train_split: split to fit on.
        validation_split: split to score on; None for what is called so, if there is one.
        copies: augmented copies of an image to fit on at most; None for all.
        class_weight: "none", "balanced" or "CLASS=WEIGHT,...".
        seed: of every random choice.
        budget: most memory for features and what is made of them.
        output: folder for the results, which a search goes on from; None for none.
        model: where the best setting's model goes; None for none.
        refit: one of `REFITS`.
    """

    table: str
    table_version: int | None
    space: Space
    folds: int | None
    train_split: str
    validation_split: str | None
    copies: int | None
    class_weight: str
    seed: int
    budget: MemoryBudget
    output: Path | None
    model: Target | None
    refit: str


def search(job: SearchJob) -> SearchReport:
    """Score all settings and, where a model is asked for, train the best.

    Raises:
        UsageError: the model's folder is taken, or the options do not fit the table.
        TableError: there is no such table or split, or its features are of no use.
    """
    started = time.monotonic()
    if job.model is not None:
        job.model.check()
    table = FeatureTable.open(job.table, job.table_version)
    held_out = _held_out(job, table)
    scored_on = held_out if job.folds is None else None
    for pooling in job.space.poolings:
        require_maps(table, pooling, "--poolings")
    rows = divide(table, Division(job.train_split, scored_on, job.folds or 1, job.copies, job.seed))
    require_neighbours(job.space, rows.folds)
    require_room(rows, job.space, job.budget)
    if job.model is not None:
        require_trainable(rows, job.space, job.budget)
    if job.output is not None:
        job.output.mkdir(parents=True, exist_ok=True)
    findings = _score(job, table, rows)
    _tell_unconverged(findings)
    if job.output is not None:
        write_findings(findings, job.output)
    best = best_of(findings)
    trained = None if job.model is None else _refit(job, job.model, table, best.setting, held_out)
    return SearchReport(
        table=table.uri,
        table_version=table.version,
        scored_on=scored_on,
        images=rows.scored,
        folds=len(rows.folds),
        findings=tuple(findings),
        seconds=round(time.monotonic() - started, 3),
        output=job.output,
        trained=trained,
    )


def _held_out(job: SearchJob, table: FeatureTable) -> str | None:
    needed = job.folds is None or (job.model is not None and job.refit == WITH_VALIDATION)
    if not needed:
        return None
    if job.validation_split == NO_SPLIT:
        raise UsageError(f"--validation_split {NO_SPLIT} leaves nothing to score or refit on")
    found = held_out_split(job.train_split, job.validation_split, splits(table))
    if found is None:
        raise UsageError(
            f"{table.uri} has no split to validate on; name one with --validation_split, or use "
            f"--folds and --refit {TRAIN_ONLY}"
        )
    return found


def _score(job: SearchJob, table: FeatureTable, rows: DividedRows) -> list[Finding]:
    given = parse_class_weight(job.class_weight, rows.classes, rows.parts[0].image_targets)
    weights = [1.0 if given is None else given[k] for k in range(len(rows.classes))]
    question = {
        "table": table.uri,
        "version": table.version,
        "splits": [part.rows.keys["split"][0].as_py() for part in rows.parts],
        "folds": len(rows.folds),
        "copies": job.copies,
        "class_weight": weights,
        "seed": job.seed,
    }
    kept = Kept(job.output, question)
    return score(rows, job.space, np.array(weights), kept, job.budget, job.seed)


def _tell_unconverged(findings: Sequence[Finding]) -> None:
    left = [each.setting for each in findings if not each.converged]
    for head in dict.fromkeys(setting.head for setting in left):
        least = min(setting.values["C"] for setting in left if setting.head == head)
        log(f"{head} stopped before it converged, the first time at C {least:g}; a smaller C helps")


def _refit(
    job: SearchJob, model: Target, table: FeatureTable, best: Setting, held_out: str | None
) -> TrainReport:
    both = job.refit == WITH_VALIDATION
    return train(
        TrainJob(
            table=job.table,
            table_version=table.version,
            head=best.make_head(),
            model=model,
            train_split=job.train_split,
            validation_split=NO_SPLIT if both else job.validation_split,
            class_weight=job.class_weight,
            seed=job.seed,
            budget=job.budget,
            copies=job.copies,
            besides=held_out if both else None,
            pooling=best.pooling,
        )
    )
