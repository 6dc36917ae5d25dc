"""What an audit found, as groups of images that are shown side by side."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import UsageError

DUPLICATES, SUSPECTS, OUTLIERS = "duplicates", "suspects", "outliers"
QUALITY = "quality"

KINDS = {
    DUPLICATES: ("group", "image_id", "similarity"),
    SUSPECTS: ("image_id", "suggested", "probability"),
    OUTLIERS: ("image_id", "distance"),
    QUALITY: ("image_id", "faults"),
}
"""By kind, which is the name of its CSV file, too, the columns that are read."""

MOST = 100
"""Groups of each kind that are shown."""

OF_A_GROUP = 12
"""Images of a group that are shown."""


@dataclass(frozen=True, slots=True)
class Group:
    """Images that belong together.

    Attributes:
        kind: a key of `KINDS`.
        caption: what is the matter with them.
        score: how much.
        ids: of the images.
    """

    kind: str
    caption: str
    score: float
    ids: tuple[str, ...]


def read_findings(folder: Path) -> list[Group]:
    """Read the CSV files that an audit wrote, those of `KINDS` that are there.

    Returns:
        The first `MOST` of each kind, in the order of the files.

    Raises:
        UsageError: there is none, or one is damaged.
    """
    there = [kind for kind in KINDS if (folder / f"{kind}.csv").is_file()]
    if not there:
        names = ", ".join(f"{kind}.csv" for kind in KINDS)
        raise UsageError(f"--audit {folder} holds none of {names}; name what audit wrote")
    found: list[Group] = []
    for kind in there:
        path = folder / f"{kind}.csv"
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = csv.DictReader(file)
                missing = {*KINDS[kind]} - {*(rows.fieldnames or ())}
                if missing:
                    raise ValueError(f"it has no column {min(missing)}")
                found += _groups(kind, rows)
        except (ValueError, TypeError, csv.Error, OSError) as error:
            raise UsageError(f"cannot read {path}: {error}; write the audit again") from error
    return found


def _groups(kind: str, rows: Iterator[dict[str, str]]) -> list[Group]:
    if kind == DUPLICATES:
        return _duplicates(rows)
    groups = []
    for row in rows:
        if kind == SUSPECTS:
            score = float(row["probability"])
            caption = f"labelled {row.get('label')}, rather {row['suggested']}: {score:.3f}"
        elif kind == QUALITY:
            faults = row["faults"].split()
            score = float(len(faults))
            caption = ", ".join(faults)
        else:
            score = float(row["distance"])
            caption = f"distance {score:.4g}"
        groups.append(Group(kind, caption, score, (row["image_id"],)))
        if len(groups) == MOST:
            break
    return groups


def _duplicates(rows: Iterator[dict[str, str]]) -> list[Group]:
    members: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        if row["group"] in members or len(members) < MOST:
            members.setdefault(row["group"], []).append(row)
    groups = []
    for each in members.values():
        said = [float(row["similarity"]) for row in each if row["similarity"]]
        score = min(said, default=1.0)
        caption = f"{len(each)} images alike, by {score:.4f} at least"
        for name, what in (("split", "splits"), ("label", "labels")):
            if len({row.get(name) for row in each}) > 1:
                caption += f", of several {what}"
        ids = tuple(row["image_id"] for row in each[:OF_A_GROUP])
        groups.append(Group(DUPLICATES, caption, score, ids))
    return groups
