"""`python -m tests.cluster.chart`: make the chart's templates anew from the manifests."""

import sys
import tempfile
from pathlib import Path

from tests.cluster.chart.templates import FOLDER, templates
from tests.cluster.chart.variants import single_switches


def main() -> int:
    """Write them, and remove those that there are no more."""
    with tempfile.TemporaryDirectory() as folder:
        made = templates(single_switches(Path(folder)))
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text)
    print(f"{len(made)} templates in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
