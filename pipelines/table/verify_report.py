"""What checking a table found, for people and as values."""

from dataclasses import asdict, dataclass
from typing import Any

from pipelines.reports import Grid, Part, Report
from pipelines.table.verification import Finding


@dataclass(frozen=True, slots=True)
class VerifyReport(Report):
    """What was found wrong with a table.

    Attributes:
        table: its URI.
        version: the version checked.
        files: its data files.
        findings: what is wrong; empty when all is well.
        rows: rows that were held against an input.
        features: rows whose features were extracted again.
    """

    table: str
    version: int
    files: int
    findings: tuple[Finding, ...]
    rows: int
    features: int

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        rows = [
            ("table", f"{self.table} at version {self.version}"),
            ("files", str(self.files)),
            ("rows held against the input", str(self.rows)),
            ("features extracted again", str(self.features)),
            ("findings", str(len(self.findings))),
        ]
        return [*(f"{finding.where}: {finding.what}" for finding in self.findings), Grid(rows)]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        values = asdict(self)
        del values["files"]
        return {**values, "findings": list(values["findings"])}
