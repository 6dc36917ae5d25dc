"""The files of an audit. Names stand in them exactly as they are in the table."""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.auditing.report import AuditReport
from classifiers.auditing.rows import AuditedRows
from pipelines.drafts import write_whole
from pipelines.images.splits import TRAIN
from pipelines.redaction import redacted

AUDIT_FILE = "audit.json"
DUPLICATES_FILE, SUSPECTS_FILE = "duplicates.csv", "suspects.csv"
OUTLIERS_FILE, QUALITY_FILE = "outliers.csv", "quality.csv"
GROUPS_FILE = "groups.csv"

Places = npt.NDArray[np.int64]


def write_audit(report: AuditReport, rows: AuditedRows, units: Places, folder: Path) -> None:
    """Write everything that was found into a folder, which is made if it is not there.

    Args:
        report: what was found.
        rows: the images.
        units: int64 (n,), equal for images that belong together.
        folder: where.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.as_json(), indent=2, allow_nan=False)
    write_whole(folder / AUDIT_FILE, f"{text}\n".encode())
    _write(
        folder / DUPLICATES_FILE,
        ("group", "image_id", "split", "label", "similarity", "kind"),
        (
            (number, *member, group.kind)
            for number, group in enumerate(report.groups, 1)
            for member in zip(
                group.image_ids, group.splits, group.labels, group.similarities, strict=True
            )
        ),
    )
    place = {name: number for number, name in enumerate(rows.ids)}
    more = ("group",) if rows.grouped else ()
    _write(
        folder / SUSPECTS_FILE,
        ("image_id", "label", "suggested", "probability", "confident", "path", "split", *more),
        (
            (
                *(each.image_id, each.label, each.suggested, each.probability, each.confident),
                *_placed(rows, place[each.image_id]),
            )
            for each in report.labels.suspects
        ),
    )
    _write(
        folder / OUTLIERS_FILE,
        ("image_id", "distance", "split", "label", "nearest_class", "class_distance", "far"),
        (
            (
                *(each.image_id, each.distance, each.split, each.label, each.nearest_class),
                *(each.class_distance, each.far_from_classes),
            )
            for each in report.outliers
        ),
    )
    _write(
        folder / QUALITY_FILE,
        ("image_id", "faults", "width", "height", "luminance", "contrast", "sharpness", "colour"),
        (
            (
                *(each.image_id, " ".join(each.faults), each.look.width, each.look.height),
                *(f"{value:.4g}" for value in (each.look.luminance, each.look.contrast)),
                *(f"{value:.4g}" for value in (each.look.sharpness, each.look.colour)),
            )
            for each in report.quality.poor
        ),
    )
    if not rows.several_labels:
        _write(
            folder / GROUPS_FILE, ("path", "id", "label", "split", "group"), _grouped(rows, units)
        )


def _placed(rows: AuditedRows, place: int) -> tuple[str | None, ...]:
    """Where an image is, its split and, where any image is in a group, its group."""
    where = _path(rows, place), rows.splits[place]
    return (*where, rows.groups[place]) if rows.grouped else where


def _path(rows: AuditedRows, place: int) -> str:
    uri = rows.uris[place]
    return rows.ids[place] if uri is None else redacted(uri)


def _grouped(rows: AuditedRows, units: Places) -> Iterable[Sequence[str | None]]:
    """All images as a manifest in which images that belong together are a group of one split."""
    members: dict[int, list[int]] = defaultdict(list)
    for place, unit in enumerate(units.tolist()):
        members[unit].append(place)
    named: dict[int, str] = {}
    for number, (unit, places) in enumerate(members.items(), 1):
        names = sorted({name for place in places if (name := rows.groups[place]) is not None})
        if names:
            named[unit] = names[0]
        elif len(places) > 1:
            named[unit] = f"duplicates-{number}"
    for place, unit in enumerate(units.tolist()):
        split = _split_of([rows.splits[each] for each in members[unit]])
        yield (
            *(_path(rows, place), rows.ids[place], rows.labels[place]),
            *(split, named.get(unit)),
        )


def _split_of(splits: Sequence[str]) -> str:
    """The split of most, of equals that to train."""
    counts = Counter(splits)
    return max(counts, key=lambda name: (counts[name], name == TRAIN, name))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode("utf-8", "surrogatepass"))
