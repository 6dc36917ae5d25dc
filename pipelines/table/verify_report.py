"""What checking a table found, for people and as values."""

from dataclasses import asdict, dataclass
from typing import Any

from pipelines.metrics.gauges import Gauge
from pipelines.reports import Grid, Part, Report
from pipelines.table.notes import Finding, Unchecked

FOUND, NOT_CHECKED = 1, 3
"""Exit statuses: something is wrong; nothing that was checked is, but not everything could be."""


@dataclass(frozen=True, slots=True)
class VerifyReport(Report):
    """What was found wrong with a table, and what could not be checked.

    Attributes:
        table: its URI.
        version: the version checked; None where the table could not be reached.
        files: its data files.
        findings: what is wrong; empty when all is well.
        unchecked: what could not be checked, for reasons outside of the table.
        rows: rows that were held against an input.
        features: rows whose features were extracted again.
    """

    table: str
    version: int | None
    files: int
    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    rows: int
    features: int

    @property
    def status(self) -> int:
        """The command's exit status: 0 only when all was checked and is well."""
        return FOUND if self.findings else NOT_CHECKED if self.unchecked else 0

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        at = "" if self.version is None else f" at version {self.version}"
        rows = [
            ("table", f"{self.table}{at}"),
            ("files", str(self.files)),
            ("rows held against the input", str(self.rows)),
            ("features extracted again", str(self.features)),
            ("findings", str(len(self.findings))),
            ("could not be checked", str(len(self.unchecked))),
        ]
        return [
            *(f"{finding.where}: {finding.what}" for finding in self.findings),
            *(f"{each.where}: could not be checked: {each.why}" for each in self.unchecked),
            Grid(rows),
        ]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        values = asdict(self)
        del values["files"]
        lists = {name: list(values[name]) for name in ("findings", "unchecked")}
        return {**values, **lists}


def gauges_of_verify(report: VerifyReport, when: float) -> list[Gauge]:
    """What a monitor is told of a check.

    Args:
        report: the check's.
        when: it ended, seconds since the epoch.
    """
    return [
        Gauge("verify_findings", len(report.findings), "What the last check found wrong."),
        Gauge("verify_unchecked", len(report.unchecked), "What it could not check."),
        Gauge("verify_rows", report.rows, "Rows that it held against the input."),
        Gauge("verify_features", report.features, "Rows whose features it extracted again."),
        Gauge("verify_timestamp_seconds", when, "When it ended."),
    ]
