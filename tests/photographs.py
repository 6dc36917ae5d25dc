"""What the tests on real photographs share."""

from pathlib import Path

from pipelines import extract


def run_extract(photographs: Path, weights: Path, table: Path, *more: str) -> Path:
    """Extract features as the command does."""
    options = ["--input", str(photographs), "--table", str(table), "--weights", str(weights)]
    assert extract.main([*options, *more]) == 0
    return table


def some_photographs(photographs: Path, folder: Path, **each_class: int) -> Path:
    """A folder of links to the first photographs of each class, so many of each split."""
    for split, count in each_class.items():
        for label in ("cats", "dogs"):
            place = folder / split / label
            place.mkdir(parents=True)
            for path in sorted((photographs / split / label).iterdir())[:count]:
                (place / path.name).symlink_to(path)
    return folder
