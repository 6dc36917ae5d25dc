"""What a search for neighbours has to say: for people, as values and as Parquet."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.drafts import whole_file
from pipelines.reports import Grid, Part, Report

SHOWN = 200
"""Rows that are printed at most."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """An image that has no neighbours, as it could not be used.

    Attributes:
        query: its id.
        error: why.
    """

    query: str
    error: str


@dataclass(frozen=True, slots=True)
class IndexUsed:
    """The index that was asked.

    Attributes:
        version: of the table, that it was made for or last brought up to.
        added: images that were added to it now; all of them when it was built.
        removed: images that were taken out of it now.
        recall: share of the ten nearest, by a search of all, that it finds.
        measured: images that this was measured on, before they were put into it.
    """

    version: int
    added: int
    removed: int
    recall: float
    measured: int

    def in_words(self) -> str:
        """One line of it."""
        changed = f" ({self.added:,} images added, {self.removed:,} removed)"
        named = f"an index of version {self.version}"
        return (
            f"by {named}{changed if self.added or self.removed else ''}, whose recall@10 against "
            f"exact search is {self.recall:.4f} on {self.measured} images"
        )


@dataclass(frozen=True, slots=True)
class NeighboursReport(Report):
    """The nearest stored images of each query.

    Attributes:
        table: the table's URI.
        table_version: its version.
        searched: images that were compared with each query.
        k: neighbours that were wanted.
        queries: columns query and uri, one row an image that was searched for.
        rows: columns query, rank (from 1), image_id, label, split, uri and cosine (-1 to 1), by
            query in the order of the input, and by rank.
        unusable: the queries that could not be used.
        index: the index that was asked; None where all images were looked at.
    """

    table: str
    table_version: int
    searched: int
    k: int
    queries: pa.Table
    rows: pa.Table
    unusable: tuple[Unusable, ...]
    index: IndexUsed | None = None

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        images = self.queries.num_rows
        said: list[Part] = [
            f"{images:,} image{'' if images == 1 else 's'} against {self.searched:,} of version "
            f"{self.table_version}",
            "all of them compared" if self.index is None else self.index.in_words(),
        ]
        if self.rows.num_rows:
            shown = self.rows.slice(0, SHOWN).to_pylist()
            names = ("query", "rank", "image_id", "label", "split")
            cells = [(*(each[name] for name in names), f"{each['cosine']:.4f}") for each in shown]
            said += ["", Grid(cells, (*names, "cosine"))]
        if self.rows.num_rows > SHOWN:
            more = self.rows.num_rows - SHOWN
            said.append(f"and {more:,} more rows; --output and --json have all of them")
        if self.unusable:
            said += ["", Grid([(each.query, each.error) for each in self.unusable[:SHOWN]])]
        return said

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {
            "table": self.table,
            "table_version": self.table_version,
            "searched": self.searched,
            "k": self.k,
            "index": None if self.index is None else asdict(self.index),
            "neighbours": self.rows.to_pylist(),
            "unusable": [asdict(each) for each in self.unusable],
        }


def write_rows(report: NeighboursReport, path: Path) -> None:
    """Write `NeighboursReport.rows` as Parquet.

    Raises:
        OSError: the file cannot be written.
    """
    with whole_file(path) as file:
        pq.write_table(report.rows, file)
