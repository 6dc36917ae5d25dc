"""What the command says when the page is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.reports import Grid, Part, Report


@dataclass(frozen=True, slots=True)
class PageReport(Report):
    """A page that is written.

    Attributes:
        output: the file; its URI if it is on a store.
        bytes: its size.
        table: the table's URI.
        table_version: its version.
        images: of the table, copies aside.
        mapped: images on the map.
        pictures: images that the page has a picture of.
        without_picture: images that it shows and has no picture of.
        why: of the first of these; None if there are none.
        models: by name of each model, its split, and images and accuracy there.
        findings: groups of an audit that are shown, by kind.
        notes: what the page says about itself.
        seconds: how long it took.
    """

    output: Path | str
    bytes: int
    table: str
    table_version: int
    images: int
    mapped: int
    pictures: int
    without_picture: int
    why: str | None
    models: tuple[tuple[str, str, int, float], ...]
    findings: dict[str, int]
    notes: tuple[str, ...]
    seconds: float

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        said: list[Part] = [
            f"{self.output}: {self.bytes:,} bytes, {self.images:,} images, {self.mapped:,} of them "
            f"on the map, {self.pictures:,} pictures, in {self.seconds:.1f} s"
        ]
        if self.models:
            said += ["", Grid(self.models, ("model", "split", "images", "accuracy"))]
        return said + list(self.notes)

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {
            "output": str(self.output),
            "bytes": self.bytes,
            "table": self.table,
            "table_version": self.table_version,
            "images": self.images,
            "mapped": self.mapped,
            "pictures": self.pictures,
            "without_picture": self.without_picture,
            "why": self.why,
            "models": [
                {"model": name, "split": split, "images": images, "accuracy": accuracy}
                for name, split, images, accuracy in self.models
            ],
            "findings": self.findings,
            "notes": list(self.notes),
            "seconds": self.seconds,
        }
