"""What is on a page: which images, where they lie, what models and an audit say of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.data.dataset import read_features
from classifiers.data.row_groups import SplitRows
from classifiers.reporting.document import document
from classifiers.reporting.findings import Group
from classifiers.reporting.job import ReportJob
from classifiers.reporting.judging import Judged
from classifiers.reporting.label_sets import NOTE
from classifiers.reporting.mapping import mapped
from classifiers.reporting.measured import NONE, model_shown
from classifiers.reporting.sampling import sampled
from classifiers.reporting.shown import numbers, parts_shown, shown
from classifiers.reporting.thumbnails import Thumbnails
from pipelines.table.description import TableDescription
from pipelines.table.schema import LABELS


class Page:
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
        wanted = [each for group in groups for each in group.ids]
        for each in judged:
            wanted += each.ids[each.mistakes()].tolist()
            ranked = sorted(each.cells().items(), key=lambda cell: cell[0][0] == cell[0][1])
            wanted += [each.ids[place] for _, places in ranked for place in places]
        known = dict.fromkeys(wanted)
        held = pa.array(list(known), pa.string())
        found = {*there.filter(pc.is_in(there, held)).to_pylist()}
        self._unknown = len(known) - len(found)
        of_map = there.take(pa.array(chosen)).to_pylist()
        self.by_importance = list(dict.fromkeys([*filter(found.__contains__, known), *of_map]))
        self.ids = sorted(self.by_importance)
        place_of = {each: place for place, each in enumerate(self.ids)}
        # Ids of a table are in order, and so are those that are shown of it.
        which = pc.is_in(there, pa.array(self.ids, pa.string())).to_numpy(zero_copy_only=False)
        self._rows = keys.filter(pa.array(which))
        features, places = _finite(rows.only(which))
        on_map = np.isin(places, [place_of[each] for each in of_map])
        self.mapped = int(on_map.sum())
        self._lost = len(self.ids) - len(places)
        self._places = np.full((len(self.ids), 2), np.nan)
        if self.mapped:
            self._places[places[on_map]] = mapped(features[on_map], job.seed)
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
        if self.mapped + self._lost < self._total:
            said.append(
                f"the map shows {self.mapped:,} of {self._total:,} images, some of every "
                "label and split; counts and measures are of all"
            )
        if self._lost:
            said.append(
                f"the features of {_images(self._lost)} hold values that are no finite numbers; "
                "they are not on the map, and no model was asked of them"
            )
        if LABELS in self._table.optional:
            said.append(NOTE)
        if pictures.missing:
            why = shown(pictures.why)
            said.append(f"{pictures.missing:,} of {len(self.ids):,} images have no picture: {why}")
        if self._unknown:
            said.append(f"the audit names {_images(self._unknown)} that the table does not hold")
        return said


def _images(many: int) -> str:
    return "1 image" if many == 1 else f"{many:,} images"


def _finite(rows: SplitRows) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Features of those rows that have finite ones only, and their places among all rows."""
    features = read_features(rows)
    finite = np.isfinite(features).all(axis=1)
    return (features if finite.all() else features[finite]), np.flatnonzero(finite)


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
