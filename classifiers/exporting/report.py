"""What an export has to say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.heads.answers import Gives
from pipelines.reports import Grid, Part, Report


@dataclass(frozen=True, slots=True)
class ExportReport(Report):
    """A model that was exported.

    Attributes:
        output: its file.
        format: of it.
        gives: what it answers with.
        classes: names, in the order of its answers.
        image_size: height and width of the images that it takes, in pixels.
        images: how many it was tried on.
        real: how many of them were images of the training.
        largest_difference: between its answers and this project's; see `proof.BOUND`.
    """

    output: Path
    format: str
    gives: Gives
    classes: tuple[str, ...]
    image_size: int
    images: int
    real: int
    largest_difference: float

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        size = self.image_size
        rows = [
            ("file", str(self.output)),
            ("takes", f"images: uint8 (batch, {size}, {size}, 3), RGB"),
            ("gives", f"{self.gives}: float32 (batch, {len(self.classes)})"),
            ("tried on", f"{self.images} images, {self.real} of them of the training"),
            ("largest difference", f"{self.largest_difference:.1e}"),
        ]
        return [Grid(rows)]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {
            "output": str(self.output),
            "format": self.format,
            "gives": self.gives,
            "classes": list(self.classes),
            "image_size": self.image_size,
            "images": self.images,
            "real": self.real,
            "largest_difference": self.largest_difference,
        }
