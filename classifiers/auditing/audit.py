"""One audit: a table in, what is wrong with it out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.auditing.directions import directions, take_roots, unmeasured
from classifiers.auditing.duplicates import duplicate_groups, units_of
from classifiers.auditing.files import write_audit
from classifiers.auditing.labels import judge_labels
from classifiers.auditing.nearest import nearness
from classifiers.auditing.opinions import check_models
from classifiers.auditing.outliers import (
    NEIGHBOUR,
    Outlier,
    far_out,
    nearest_classes,
    to_unit_length,
)
from classifiers.auditing.quality import Quality, look_at_rows
from classifiers.auditing.report import AuditReport
from classifiers.auditing.rows import AuditedRows, audited_rows, first_of_equal, pooled_features
from classifiers.data.memory import MemoryBudget
from classifiers.models.opening import ModelOrFolder
from pipelines.cli import log
from pipelines.images.manifest import Fence
from pipelines.table.feature_table import FeatureTable

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

NOTHING_SEEN = Quality(0, (), ())


@dataclass(frozen=True, slots=True)
class AuditJob:
    """One audit.

    Attributes:
        table: the table's location.
        table_version: version to audit; None for the newest.
        split: this split only; None for all.
        models: trained ones to ask about the splits that they were not trained on.
        threshold: nearness, -1 to 1, from which two images are near duplicates; None for what
            `Directions.near` says.
        pictures: how many images are opened; None for all.
        allowed: folders whose images may be opened, besides the one that this user extracted.
        seed: of folds and draws.
        budget: most memory for vectors and what is made of them.
        output: folder for the results; None for none.
    """

    table: str
    table_version: int | None
    split: str | None
    models: Sequence[ModelOrFolder]
    threshold: float | None
    pictures: int | None
    allowed: Sequence[Fence]
    seed: int
    budget: MemoryBudget
    output: Path | None


def audit(job: AuditJob) -> AuditReport:
    """Look at a table's images for what is wrong with them.

    Raises:
        TableError: there is no such table or split, or a file is damaged.
        UsageError: the vectors do not fit into memory, or a model is of no use here.
        ContractMismatchError: a model was made for other features.
    """
    started = time.monotonic()
    rows = audited_rows(FeatureTable.open(job.table, job.table_version), job.split)
    check_models(job.models, rows)
    roots = pooled_features(rows.rows, job.budget)
    take_roots(roots)
    sound: npt.NDArray[np.bool_] = np.asarray(np.isfinite(roots).all(axis=1))
    first = first_of_equal(roots)
    whole = np.flatnonzero(sound & (first == np.arange(len(first))))
    log(f"{len(rows.ids):,} images, {len(whole):,} of them with features of their own")
    found = directions(roots[whole])
    threshold = found.near if job.threshold is None else job.threshold
    near = nearness(found.units, threshold, 1)
    del found
    groups = duplicate_groups(rows, first, whole, near)
    units = units_of(rows, first, whole, near)
    log(f"{len(groups):,} groups of near duplicates after {time.monotonic() - started:.1f} s")
    labels = judge_labels(rows, roots, sound, units, job.models, job.seed, job.budget)
    log(f"{labels.judged:,} labels judged after {time.monotonic() - started:.1f} s")
    outliers = _outliers(rows, roots, first, whole)
    log(f"{len(outliers):,} outliers after {time.monotonic() - started:.1f} s")
    quality = NOTHING_SEEN
    if job.pictures != 0:
        quality = look_at_rows(rows, job.pictures, job.seed, job.allowed)
    report = AuditReport(
        table=rows.table.uri,
        table_version=rows.table.version,
        split=job.split,
        threshold=threshold,
        images=len(rows.ids),
        broken=tuple(rows.ids[place] for place in np.flatnonzero(~sound)),
        groups=tuple(groups),
        labels=labels,
        outliers=tuple(outliers),
        quality=quality,
        seconds=round(time.monotonic() - started, 3),
        output=job.output,
        unmeasured=None if job.threshold is not None else unmeasured(rows.table.contract),
    )
    if job.output is not None:
        write_audit(report, rows, units, job.output)
    return report


def _outliers(rows: AuditedRows, roots: Floats, first: Places, whole: Places) -> list[Outlier]:
    """Images far from others, the farthest first; of equal ones all or none."""
    if len(whole) <= NEIGHBOUR:
        return []
    units = roots[whole]
    to_unit_length(units)
    # No links: what is near is known already.
    cosines = nearness(units, np.inf, NEIGHBOUR).cosines[:, -1]
    distances = np.maximum(0.0, 1.0 - cosines.astype(np.float64))
    labels = [rows.labels[place] for place in whole]
    classes = tuple(sorted({each for each in labels if each is not None}))
    numbers = {name: number for number, name in enumerate(classes)}
    targets = np.array([-1 if each is None else numbers[each] for each in labels])
    nearest, away = np.zeros(len(whole), np.int64), np.zeros(len(whole), np.float32)
    if classes:
        nearest, away = nearest_classes(units, targets, len(classes))
    far, far_from = far_out(distances), far_out(away)
    places = np.full(len(first), -1, np.int64)
    places[whole] = np.arange(len(whole))
    found = [
        Outlier(
            image_id=rows.ids[image],
            split=rows.splits[image],
            label=rows.labels[image],
            distance=round(float(distances[place]), 6),
            nearest_class=classes[nearest[place]] if classes else None,
            class_distance=round(float(away[place]), 6) if classes else None,
            far_from_classes=bool(far_from[place]),
        )
        for image, place in enumerate(places[first].tolist())
        if place >= 0 and (far[place] or far_from[place])
    ]
    return sorted(found, key=lambda each: (-each.distance, each.image_id))
