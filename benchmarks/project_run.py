"""This project's own way of extracting, as a command and with a cache of the benchmark's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.base_choice import BaseChoice
from benchmarks.child import run_module
from benchmarks.images import repeat_images

WARM_UP_IMAGES = 256
"""What the run that chooses the engine extracts; enough that `--engine auto` holds its race."""


@dataclass(frozen=True, slots=True)
class ProjectRun:
    """`python -m pipelines.extract` with everything fixed but the images.

    Attributes:
        choice: the base.
        engine: what `--engine` gets.
        folder: the benchmark's; holds the cache and the reports.
    """

    choice: BaseChoice
    engine: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the run: its cache is the benchmark's, so that it starts empty."""
        return {"FROZEN_FEATURES_CACHE": str(self.folder / "cache")}

    def arguments(self, images: Path, table: Path) -> list[str]:
        """The command line for some images."""
        given = ["--input", str(images), "--table", str(table), "--engine", self.engine]
        return [*given, *self.choice.arguments()]

    def extract(self, images: Path, table: Path, *more: str) -> tuple[dict[str, Any], float]:
        """Run it; gives what it wrote as JSON, and the seconds that its process took.

        Args:
            images: what it reads.
            table: what it makes.
            more: further options.

        Raises:
            ChildError: it failed.
        """
        report = self.folder / "report.json"
        finished = run_module(
            "pipelines.extract",
            *self.arguments(images, table),
            *more,
            "--json",
            report,
            environment=self.environment,
        )
        return json.loads(report.read_text(encoding="utf-8")), finished.seconds

    def warm_up(self, source: Path) -> tuple[str, Path]:
        """Extract a few images, so that later runs find their engine chosen.

        Returns:
            The engine's name, and the table of those few.
        """
        images = repeat_images(source, self.folder / "warm-up-images", WARM_UP_IMAGES)
        table = self.folder / "warm-up"
        report, _ = self.extract(images, table)
        return str(report["engine"]), table
