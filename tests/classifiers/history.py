"""Reading what a training wrote of its epochs."""

import csv
from pathlib import Path


def read_history(model: Path) -> list[dict[str, str]]:
    """The rows of a model folder's history, one an epoch."""
    with (model / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))
