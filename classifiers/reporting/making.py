"""Making a page: choose images, lay them out, ask the models, draw, and write one file."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.data.dataset import read_features
from classifiers.data.row_groups import SplitRows, find_rows
from classifiers.models.opening import card_of
from classifiers.reporting.document import document
from classifiers.reporting.findings import Group, read_findings
from classifiers.reporting.job import ReportJob
from classifiers.reporting.judging import Judged, judged_on
from classifiers.reporting.mapping import mapped
from classifiers.reporting.measured import NONE, model_shown
from classifiers.reporting.report import PageReport
from classifiers.reporting.sampling import sampled
from classifiers.reporting.shown import numbers, parts_shown, shown
from classifiers.reporting.thumbnails import Thumbnails, thumbnails
from pipelines.contract import require_same_contract
from pipelines.drafts import write_whole
from pipelines.errors import UsageError
from pipelines.images.splits import TEST, TRAIN, VALIDATION, split_meant
from pipelines.table.description import TableDescription, describe_table
from pipelines.table.feature_table import FeatureTable


def make_page(job: ReportJob) -> PageReport:
    """Make a page and write it.

    Raises:
        TableError: there is no such table, version or split.
        ContractMismatchError: a model takes other features than the table has.
        UsageError: the audit cannot be read, a model reads images, or `max_bytes` is too little.
        ModelError: there is no such model.
        OSError: the page cannot be written.
    """
    began = time.monotonic()
    groups = [] if job.audit is None else read_findings(job.audit)
    table = FeatureTable.open(job.table, job.table_version)
    for model in job.models:  # before anything takes long
        require_same_contract(card_of(model).of_features(), "the model", table.contract, table.uri)
    rows = find_rows(table, None, copies=0)
    split = job.split or _held_out(rows.keys)
    of_split = find_rows(table, split, copies=0, option="--split") if job.models else rows
    judged = [judged_on(model, of_split, split) for model in job.models]
    page = _Page(job, rows, groups, judged, describe_table(job.table, table.version))
    pictures = Thumbnails()
    bare = len(page.written(pictures))
    if bare > job.max_bytes:
        raise UsageError(
            f"without a picture the page has {bare:,} bytes already; allow more with --max_bytes, "
            "or show fewer --images"
        )
    room = job.max_bytes - bare - 2_000 - 2 * len(page.ids)  # notes, and commas
    pictures = thumbnails(table, page.by_importance, job.allowed, room)
    content = page.written(pictures)
    write_whole(job.output, content)
    return PageReport(
        output=job.output,
        bytes=len(content),
        table=table.uri,
        table_version=table.version,
        images=rows.keys.num_rows,
        mapped=len(page.mapped),
        pictures=len(pictures.pictures),
        without_picture=pictures.missing,
        why=pictures.why,
        models=tuple(
            (each.name, each.report.split, len(each.ids), each.report.measured.accuracy)
            for each in judged
        ),
        findings=dict(Counter(each.kind for each in groups)),
        notes=tuple(page.notes(pictures)),
        seconds=time.monotonic() - began,
    )


class _Page:
    """What is on a page, before and after its pictures are drawn."""

    def __init__(
        self,
        job: ReportJob,
        rows: SplitRows,
        groups: Sequence[Group],
        judged: Sequence[Judged],
        described: TableDescription,
    ) -> None:
        keys, self._job, self._total = rows.keys, job, rows.keys.num_rows
        self._described, self._table = described, rows.table
        there = keys.column("image_id")
        chosen = sampled(keys, job.images, job.seed)
        features, self.mapped, self._lost = _finite(rows, chosen)
        wanted = [each for group in groups for each in group.ids]
        for each in judged:
            wanted += each.ids[each.mistakes()].tolist()
            ranked = sorted(each.cells().items(), key=lambda cell: cell[0][0] == cell[0][1])
            wanted += [each.ids[place] for _, places in ranked for place in places]
        known = dict.fromkeys(wanted)
        held = pa.array(list(known), pa.string())
        found = {*there.filter(pa.compute.is_in(there, held)).to_pylist()}
        self._unknown = len(known) - len(found)
        of_map = there.take(pa.array(chosen)).to_pylist()
        self.by_importance = list(dict.fromkeys([*filter(found.__contains__, known), *of_map]))
        self.ids = sorted(self.by_importance)
        place_of = {each: place for place, each in enumerate(self.ids)}
        self._rows = keys.filter(pa.compute.is_in(there, pa.array(self.ids, pa.string())))
        on_map = there.take(pa.array(self.mapped)).to_pylist()
        places = np.array([place_of[each] for each in on_map], np.int64)
        self._places = np.full((len(self.ids), 2), np.nan)
        if len(places):
            self._places[places] = mapped(features, job.seed)
        self._groups = [_group_shown(group, place_of) for group in groups]
        self._models = [model_shown(each, place_of, features, places) for each in judged]
        self._counts = _counts(keys)

    def written(self, pictures: Thumbnails) -> bytes:
        """The page as it is written.

        Raises:
            ValueError: never; all its numbers are finite.
        """
        labels, label_of = _numbered(self._rows.column("label"))
        splits, split_of = _numbered(self._rows.column("split"))
        title = f"{shown(self._table.uri)}, version {self._table.version}"
        data: dict[str, Any] = {
            "title": title,
            "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "total": self._total,
            "counts": self._counts,
            "notes": self.notes(pictures),
            "ids": [shown(each) for each in self.ids],
            "labels": labels,
            "label": label_of,
            "splits": splits,
            "split": split_of,
            "x": numbers(self._places[:, 0].tolist()),
            "y": numbers(self._places[:, 1].tolist()),
            "groups": [each for each in self._groups if each["images"]],
            "models": self._models,
            "records": parts_shown(self._described.parts()),
        }
        drawn = [pictures.pictures.get(each, 0) for each in self.ids]
        return document(title, data, drawn).encode("utf-8")

    def notes(self, pictures: Thumbnails) -> list[str]:
        """What a reader must know of the page itself."""
        said = []
        if len(self.mapped) + self._lost < self._total:
            said.append(
                f"the map shows {len(self.mapped):,} of {self._total:,} images, some of every "
                "label and split; counts and measures are of all"
            )
        if self._lost:
            said.append(
                f"the features of {_images(self._lost)} hold values that are no finite numbers; "
                "they are not on the map, and no model was asked of them"
            )
        if pictures.missing:
            why = shown(pictures.why)
            said.append(f"{pictures.missing:,} of {len(self.ids):,} images have no picture: {why}")
        if self._unknown:
            said.append(f"the audit names {_images(self._unknown)} that the table does not hold")
        return said


def _images(many: int) -> str:
    return "1 image" if many == 1 else f"{many:,} images"


def _finite(
    rows: SplitRows, chosen: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], int]:
    """Features of the rows chosen that are finite, their places, and how many are not."""
    which = np.zeros(rows.keys.num_rows, bool)
    which[chosen] = True
    features = read_features(rows.only(which))
    finite = np.isfinite(features).all(axis=1)
    lost = int((~finite).sum())
    return (features if not lost else features[finite]), chosen[finite], lost


def _held_out(keys: pa.Table) -> str:
    """The split to measure on if none is named: test, validation, any but that of training."""
    there = sorted({*keys.column("split").unique().to_pylist()})
    for wanted in (TEST, VALIDATION):
        meant = [each for each in there if each == wanted or split_meant(each) == wanted]
        if meant:
            return str(meant[0])
    others = [each for each in there if split_meant(each) != TRAIN]
    return str((others or there)[0])


def _group_shown(group: Group, place_of: dict[str, int]) -> dict[str, Any]:
    places = [place_of[each] for each in group.ids if each in place_of]
    return {"kind": group.kind, "caption": shown(group.caption), "images": places}


def _counts(keys: pa.Table) -> list[list[Any]]:
    """Images by split and label: split, label, images."""
    counted = keys.group_by(["split", "label"]).aggregate([([], "count_all")])
    columns = [counted.column(name).to_pylist() for name in ("split", "label", "count_all")]
    found = sorted(zip(*columns, strict=True), key=lambda row: (row[0], row[1] or ""))
    return [[shown(split), shown(label), count] for split, label, count in found]


def _numbered(column: pa.ChunkedArray) -> tuple[list[str], list[int]]:
    """The values of a column, sorted, and the number of each row's; -1 where it has none."""
    names = sorted({each for each in column.unique().to_pylist() if each is not None})
    number = {name: place for place, name in enumerate(names)}
    return [shown(name) for name in names], [
        NONE if each is None else number[each] for each in column.to_pylist()
    ]


def check_output(path: Path) -> Path:
    """The file that a page is to be written to.

    Raises:
        UsageError: it is not HTML by its name, or has no folder to be in.
    """
    if path.suffix not in (".html", ".htm"):
        raise UsageError(f"--output {path}: the page is HTML, name a file.html")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise UsageError(f"--output {path}: no folder {path.resolve().parent} to write it in")
    return path
