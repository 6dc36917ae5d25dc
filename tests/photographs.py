"""What the tests on real photographs share."""

import subprocess
import sys
from pathlib import Path

from pipelines import extract
from tests.conftest import ROOT


def run_extract(photographs: Path, weights: Path, table: Path, *more: str) -> Path:
    """Extract features as the command does."""
    options = ["--input", str(photographs), "--table", str(table), "--weights", str(weights)]
    assert extract.main([*options, *more]) == 0
    return table


def extraction_peak(images: Path, weights: Path, table: Path, *more: str) -> int:
    """Extract features in a process of its own; returns its peak resident memory in KiB."""
    code = (
        "import sys\n"
        "from pipelines.extract import main\n"
        "from tests.memory import own_peak\n"
        "status = main(sys.argv[1:])\n"
        "print(own_peak())\n"
        "sys.exit(status)"
    )
    options = ["--input", str(images), "--table", str(table), "--weights", str(weights)]
    command = [sys.executable, "-c", code, *options, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


def some_photographs(photographs: Path, folder: Path, **each_class: int) -> Path:
    """A folder of links to the first photographs of each class, so many of each split."""
    for split, count in each_class.items():
        for label in ("cats", "dogs"):
            place = folder / split / label
            place.mkdir(parents=True)
            for path in sorted((photographs / split / label).iterdir())[:count]:
                (place / path.name).symlink_to(path)
    return folder
