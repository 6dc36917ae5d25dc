"""What a search has to say, for people, as values and as files."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifiers.models.measures import wilson_interval
from classifiers.models.reports import TrainReport
from classifiers.searching.findings import Finding, as_good, best_of
from classifiers.searching.picture import PICTURE_FILE, draw_search
from pipelines.drafts import write_whole
from pipelines.reports import Grid, Part, Report

CSV_FILE = "search.csv"
MEASURED = ("accuracy", "error")

SHOWN = 15
"""Settings shown of those that are as good as the best."""


@dataclass(frozen=True, slots=True)
class SearchReport(Report):
    """A search that is done.

    Attributes:
        table: the table's URI.
        table_version: its version.
        scored_on: the split scored on; None for folds of the split fitted on.
        images: scored on in all.
        folds: how many; 1 with `scored_on`.
        findings: of all settings.
        seconds: how long it took, the model's training included.
        output: folder of the CSV and the picture; None without one.
        trained: the best setting's model; None when none was asked for.
    """

    table: str
    table_version: int
    scored_on: str | None
    images: int
    folds: int
    findings: tuple[Finding, ...]
    seconds: float
    output: Path | None
    trained: TrainReport | None

    @property
    def best(self) -> Finding:
        """The best setting and how well it did."""
        return best_of(self.findings)

    @property
    def as_good(self) -> list[Finding]:
        """All settings within one standard error of the best, which is the first."""
        return as_good(self.findings)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the best setting's accuracy, a share of so many images."""
        return wilson_interval(round(self.best.mean * self.images), self.images)

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        best, near = self.best, self.as_good
        where = f"{self.folds} folds" if self.scored_on is None else f"split {self.scored_on}"
        options, (low, high) = _options(near[:SHOWN]), self.interval
        rows = [
            (*_named(each, options), f"{each.mean:.4f}", f"{each.error:.4f}")
            for each in near[:SHOWN]
        ]
        said: list[Part] = [
            f"{len(self.findings)} settings on {where}, {self.images:,} images; within one "
            f"standard error of the best: {len(near)}"
            + (f", of which the first {SHOWN}" if len(near) > SHOWN else ""),
            "",
            Grid(rows, (*options, *MEASURED)),
            "",
            f"best: {_in_words(best)}: accuracy {best.mean:.4f}, standard error {best.error:.4f}, "
            f"95 % interval {low:.4f} to {high:.4f}",
        ]
        if not best.converged:
            said.append("the best setting stopped before it converged; a smaller C helps")
        said += [
            f"the best {name} is at an end of the grid; a wider --{name} may do better"
            for name in _at_an_end(best, self.findings)
        ]
        if self.output is not None:
            said.append(f"all settings in {self.output / CSV_FILE}, drawn in {PICTURE_FILE}")
        return said if self.trained is None else [*said, "", *self.trained.parts()]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {
            "table": self.table,
            "table_version": self.table_version,
            "scored_on": self.scored_on,
            "images": self.images,
            "folds": self.folds,
            "seconds": self.seconds,
            "best": asdict(self.best),
            "interval": list(self.interval),
            "as_good": [asdict(each) for each in self.as_good],
            "findings": [asdict(each) for each in self.findings],
            "model": None if self.trained is None else self.trained.as_json(),
        }


def write_findings(findings: Sequence[Finding], folder: Path) -> None:
    """Write all settings as `search.csv` and `search.png`.

    Raises:
        OSError: the table cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    numbers = range(1, len(findings[0].accuracies) + 1)
    options = _options(findings)
    folds = (f"fold_{number}" for number in numbers)
    writer.writerow([*options, *MEASURED, "converged", *folds])
    for each in findings:
        writer.writerow(
            [*_named(each, options), each.mean, each.error, each.converged, *each.accuracies]
        )
    write_whole(folder / CSV_FILE, text.getvalue().encode())
    draw_search(findings, folder / PICTURE_FILE)


def _options(findings: Sequence[Finding]) -> list[str]:
    """Options that any of the settings has, in the order in which they are given."""
    return list(dict.fromkeys(name for each in findings for name in each.setting.options))


def _named(each: Finding, options: Sequence[str]) -> list[str]:
    return [each.setting.options.get(name, "") for name in options]


def _in_words(each: Finding) -> str:
    return " ".join(f"--{name} {value}" for name, value in each.setting.options.items())


def _at_an_end(best: Finding, findings: Sequence[Finding]) -> list[str]:
    """Options whose best value is the least or greatest of several."""
    alike = [each.setting for each in findings if each.setting.head == best.setting.head]
    ends = []
    for name, value in best.setting.values.items():
        searched = {setting.values[name] for setting in alike}
        if len(searched) > 1 and value in (min(searched), max(searched)):
            ends.append(name)
    return ends
