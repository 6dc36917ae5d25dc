"""What an extraction did, for people and as values."""

from dataclasses import asdict, dataclass
from typing import Any

from pipelines.commits.leakage import Leakage
from pipelines.commits.spending import NOTHING_SPENT, Spent
from pipelines.contract import Contract
from pipelines.engines.bottleneck import Waits, name_bottleneck
from pipelines.records import Failure
from pipelines.reports import Grid, Part, Report
from pipelines.system.cores import usable_cores

OCCASIONAL = ("replaced", "relabelled", "vanished", "pruned", "stray")
"""Counts that are shown when they are not 0."""

SHOWN = 10
"""Failures printed; the JSON holds all."""


@dataclass(frozen=True, slots=True)
class ExtractReport(Report):
    """What an extraction did.

    Attributes:
        run: the run's id.
        table: the table's URI.
        version: its version now; None when there is still no table.
        contract: what its features are.
        engine: what ran the base; None when nothing had to be extracted.
        waits: where the workers' time went.
        mean_batch: images the engine got at once, on average; None when it was not called.
        threads: cores that a worker uses.
        attempted: images and copies that this run extracted, or tried to.
        counts: rows by where they ended; see `pipelines.commits.books.counts_of_run`.
        leakage: images that stand in two splits or under two labels.
        failures: the images that failed in this run.
        seconds: wall-clock time of the run.
        extract_seconds: of that, from the first shard's start to the last one's end.
        spent: what its parts took together.
        stopped: whether it ended at a part's end, before its last, by `--hours` or `--budget`.
        before: the table's version when the run began; None when there was no table.
        drift: what holds the new version against that one; None where nobody asked.
        also: of the run's further tables. What is shared, time and processors, is shared out among
            all of them, but for `seconds`.
    """

    run: str
    table: str
    version: int | None
    contract: Contract
    engine: str | None
    waits: Waits
    mean_batch: float | None
    threads: int
    attempted: int
    counts: dict[str, int]
    leakage: Leakage
    failures: tuple[Failure, ...]
    seconds: float
    extract_seconds: float
    spent: Spent = NOTHING_SPENT
    stopped: bool = False
    before: int | None = None
    drift: Report | None = None
    also: "tuple[ExtractReport, ...]" = ()

    @property
    def bottleneck(self) -> str | None:
        """What bounds such a run, in a sentence; None when nothing was extracted."""
        return name_bottleneck(self.waits, self.threads, usable_cores())

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        parts: list[Part] = [Grid(self._summary())]
        parts += [f"leakage: {line}" for line in self.leakage.describe()]
        if self.stopped:
            rest = f"{self.counts['waiting']} images and copies wait"
            parts.append(f"stopped at the end of a part; {rest}, the same command goes on")
        left = self.counts["vanished"] - self.counts["pruned"]
        if left > 0:
            gone = f"{left} rows stay whose image is gone from the input; --prune removes them"
            parts.append(gone)
        if not self.counts["written"] and not self.extract_seconds:
            what = "none of these can be used" if self.attempted else "nothing to extract"
            parts.append(f"{what}: the base was not loaded")
        if self.bottleneck is not None:
            parts.append(self.bottleneck)
        if self.failures:
            shown = [(f.ref.image_id, f.stage, f.message) for f in self.failures[:SHOWN]]
            parts += ["", Grid(shown, ("failed image", "stage", "why"))]
        if self.drift is not None:
            parts += ["", *self.drift.parts()]
        for report in self.also:
            parts += ["", *report.parts()]
        return parts

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        failures = [
            {"image_id": f.ref.image_id, "stage": f.stage, "error": f.error, "message": f.message}
            for f in self.failures
        ]
        return {
            **{k: v for k, v in asdict(self).items() if k not in ("counts", "drift", "also")},
            **self.counts,
            "contract_id": self.contract.contract_id,
            "bottleneck": self.bottleneck,
            "failures": failures,
            "drift": None if self.drift is None else self.drift.as_json(),
            "also": [report.as_json() for report in self.also],
        }

    def _summary(self) -> list[tuple[str, object]]:
        counts = self.counts
        rows: list[tuple[str, object]] = [
            ("table", self.table),
            ("version", "none yet" if self.version is None else str(self.version)),
            ("contract", f"{self.contract.base} {self.contract.contract_id[:12]}"),
            ("images", f"{counts['inputs'] - counts['copies']}"),
            *([("augmented copies", f"{counts['copies']}")] if counts["copies"] else []),
            ("written", f"{counts['written']}"),
            ("already there", f"{counts['present']}"),
            *((name, f"{counts[name]}") for name in OCCASIONAL if counts[name]),
            ("new failures", f"{counts['new_failures']}"),
            ("known failures", f"{counts['known_failures']}"),
            ("seconds", f"{self.seconds:.1f}"),
        ]
        if self.extract_seconds:
            rate = self.spent.images / self.extract_seconds
            rows.append(("images a second", f"{rate:.1f} ({self.engine} engine)"))
        if self.spent.money is not None:
            rows.append(("money", f"{self.spent.money:,.4g}"))
        return rows
