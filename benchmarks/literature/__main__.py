"""`python -m benchmarks.literature`: go every way of the book and write the page about it.

What has a result is not done again, so that the long trainings run once. Delete a JSON file of
`docs/literature/` to have its way gone again.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.child import ROOT
from benchmarks.literature.curves import draw_ways
from benchmarks.literature.page import as_page, read_results
from benchmarks.literature.running import Place, go_way, take_step
from benchmarks.literature.ways import WAYS, way_named
from pipelines.cli import Parser, local_path, log, run_command
from pipelines.drafts import write_whole

RESULTS = ROOT / "docs" / "literature"
PAGE = ROOT / "docs" / "literature.md"
PICTURE = ROOT / "docs" / "images" / "literature.png"


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_go, argv)


def _go(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.literature", description=__doc__)
    parser.add_argument(
        "--images", type=local_path, help="cats_and_dogs_small; none to write the page"
    )
    parser.add_argument("--weights", default="imagenet", help="of VGG16, as for pipelines.extract")
    parser.add_argument(
        "--only", nargs="+", choices=[way.name for way in WAYS], help="these ways; all if not given"
    )
    parser.add_argument("--work", type=local_path, default=ROOT / "build" / "literature")
    options = parser.parse_args(argv)
    if options.images is not None:
        place = Place(
            options.images.resolve(), _absolute(options.weights), None, options.work, RESULTS
        )
        for name in options.only or [way.name for way in WAYS]:
            way = way_named(name)
            if place.result(name).exists():
                continue
            for step in way.steps:
                log(f"== {step.name}")
                take_step(step, place)
            log(f"== {way.name}")
            go_way(way, place)
    results = read_results(RESULTS)
    draw_ways(results, PICTURE)
    write_whole(PAGE, as_page(results, f"images/{PICTURE.name}").encode())
    print(f"{PAGE.relative_to(ROOT)} tells of {sum(way.name in results for way in WAYS)} ways")


def _absolute(weights: str) -> str:
    path = Path(weights)
    return str(path.resolve()) if path.is_file() else weights


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
