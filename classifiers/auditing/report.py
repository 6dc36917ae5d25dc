"""What an audit has to say, for people and as values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifiers.auditing.duplicates import DuplicateGroup
from classifiers.auditing.labels import LabelFindings
from classifiers.auditing.outliers import Outlier
from classifiers.auditing.quality import Quality
from pipelines.reports import Grid, Part, Report

SHOWN = 5
"""Findings of each kind that are printed."""

FEW_IDS = 3
"""Images of a group that are printed."""


@dataclass(frozen=True, slots=True)
class AuditReport(Report):
    """An audit that is done.

    Attributes:
        table: the table's URI.
        table_version: its version.
        split: the one that was audited; None for all.
        threshold: nearness from which images are near duplicates.
        images: how many were audited.
        broken: ids of images whose features are no finite numbers.
        groups: near duplicates; those across splits first, then those under several labels.
        labels: what there is to say of labels.
        outliers: the farthest first.
        quality: what was seen of the pictures.
        seconds: how long it took.
        output: folder of the results; None without one.
        unmeasured: one line where nobody has measured the threshold for such features.
    """

    table: str
    table_version: int
    split: str | None
    threshold: float
    images: int
    broken: tuple[str, ...]
    groups: tuple[DuplicateGroup, ...]
    labels: LabelFindings
    outliers: tuple[Outlier, ...]
    quality: Quality
    seconds: float
    output: Path | None
    unmeasured: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        faults = Counter(fault for each in self.quality.poor for fault in each.faults)
        return {
            "features that are no finite numbers": len(self.broken),
            "groups of near duplicates": len(self.groups),
            "… across splits": sum(each.across_splits for each in self.groups),
            "… under several labels": sum(each.under_labels for each in self.groups),
            "labels that are probably wrong": sum(each.confident for each in self.labels.suspects),
            "labels that another class is likelier than": len(self.labels.suspects),
            "outliers": len(self.outliers),
            "… far from every class": sum(each.far_from_classes for each in self.outliers),
            "classes that overlap": len(self.labels.overlaps),
            "classes that are small": len(self.labels.small),
            "pictures that are poor": len(self.quality.poor),
            **{f"… {name}": count for name, count in sorted(faults.items())},
            "pictures that could not be opened": len(self.quality.unopened),
        }

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        where = "all splits" if self.split is None else f"split {self.split}"
        said: list[Part] = [
            f"{self.table} at version {self.table_version}, {where}: {self.images:,} images, "
            f"{self.quality.opened:,} of them looked at, in {self.seconds:.1f} s",
            "",
            Grid([(name, count) for name, count in self.counts.items()], ("found", "count")),
            *self._grids(),
        ]
        notes = [self.unmeasured, self.labels.why_not, *self._unopened()]
        said += [each for each in notes if each]
        if self.output is not None:
            said += ["", f"everything is in {self.output}: audit.json, and a CSV of each kind"]
        return said

    def _grids(self) -> list[Part]:
        groups = [
            (
                f"{min(each.similarities):.3f}",
                each.kind,
                ", ".join(each.image_ids[:FEW_IDS])
                + (f" and {more} more" if (more := len(each.image_ids) - FEW_IDS) > 0 else ""),
            )
            for each in self.groups[:SHOWN]
        ]
        suspects = [
            (each.image_id, each.label, each.suggested, each.probability)
            for each in self.labels.suspects[:SHOWN]
        ]
        outliers = [
            (each.image_id, each.label, each.distance, each.class_distance)
            for each in self.outliers[:SHOWN]
        ]
        classes = [(each.one, each.other, each.share) for each in self.labels.overlaps[:SHOWN]]
        small = [(each.label, each.images, each.apart) for each in self.labels.small[:SHOWN]]
        poor = [(each.image_id, ", ".join(each.faults)) for each in self.quality.poor[:SHOWN]]
        grids: Sequence[tuple[tuple[str, ...], Sequence[Sequence[object]]]] = (
            (("nearness", "kind", "near duplicates"), groups),
            (("suspect label of", "label", "suggested", "probability"), suspects),
            (("outlier", "label", "distance", "from its nearest class"), outliers),
            (("class", "overlaps with", "share"), classes),
            (("small class", "images", "different"), small),
            (("poor picture", "what"), poor),
        )
        said: list[Part] = []
        for header, rows in grids:
            if rows:
                said += ["", Grid(rows, header)]
        return [*said, ""]

    def _unopened(self) -> list[str]:
        reasons = Counter(each.why for each in self.quality.unopened)
        said = [f"{count:,} pictures: {why}" for why, count in reasons.most_common(SHOWN)]
        more = len(reasons) - SHOWN
        return [*said, f"and {more} other reasons"] if more > 0 else said

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {
            "table": self.table,
            "table_version": self.table_version,
            "split": self.split,
            "threshold": self.threshold,
            "unmeasured": self.unmeasured,
            "images": self.images,
            "seconds": self.seconds,
            "counts": self.counts,
            "broken": list(self.broken),
            "groups": [
                {
                    **asdict(each),
                    "across_splits": each.across_splits,
                    "under_labels": each.under_labels,
                }
                for each in self.groups
            ],
            "labels": {
                "judged": self.labels.judged,
                "accuracy": self.labels.accuracy,
                "why_not": self.labels.why_not,
            },
            "suspects": [asdict(each) for each in self.labels.suspects],
            "overlaps": [{**asdict(each), "share": each.share} for each in self.labels.overlaps],
            "small_classes": [asdict(each) for each in self.labels.small],
            "outliers": [asdict(each) for each in self.outliers],
            "quality": {
                "opened": self.quality.opened,
                "poor": [asdict(each) for each in self.quality.poor],
                "unopened": [asdict(each) for each in self.quality.unopened],
            },
        }
