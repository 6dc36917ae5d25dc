"""Whether images that lie packed are extracted as fast as those in a folder.

The same images as files, in one tar archive, in one zip file and in a column of a Parquet file,
each run as one long shard between its first and its last batch, in one process, in turn. The disk's
cache is warm for all of them.
"""

import argparse
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.alternating import measure_in_turn, spread
from benchmarks.base_choice import SHARED, add_base_options, base_choice
from benchmarks.images import list_images as files_of
from benchmarks.images import repeat_images
from benchmarks.result import Result, Table, show
from benchmarks.steady_state import warmed_up
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.images.listing import list_images


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_sources, argv)


def _sources(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.sources", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/original")
    parser.add_argument("--images", type=positive_number, default=400)
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--engine", default="auto", help="this project's engine")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_base_options(parser)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, Path(folder)), options.json)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    chosen, shard = warmed_up(options, folder)
    images = repeat_images(options.input, folder / "images", options.images)
    places = {"folder": images, "tar": folder / "all.tar", "zip": folder / "all.zip"}
    _pack(images, places["tar"], places["zip"])
    places["column"] = _in_a_column(images, folder / "all.parquet")
    shards = {name: replace(shard, refs=list_images(str(place))) for name, place in places.items()}
    timings = measure_in_turn({name: each.run for name, each in shards.items()}, options.repeats)
    counted = shards["folder"].counted
    rows = [
        (name, each.median_seconds, counted / each.median_seconds, *spread(each.ratios))
        for name, each in timings.items()
    ]
    columns = ("source", "median s", "images/s", "ratio", "least", "most")
    settings = {"images": options.images, "repeats": options.repeats, "engine": chosen}
    return Result(
        "Sources of images",
        {**base_choice(options).settings(), **settings},
        [Table("Packed images against a folder", columns, rows)],
        {name: list(each.seconds) for name, each in timings.items()},
    )


def _pack(images: Path, tar: Path, zipped: Path) -> None:
    with tarfile.open(tar, "w", dereference=True) as archive, zipfile.ZipFile(zipped, "w") as other:
        for path in files_of(images):
            name = path.relative_to(images).as_posix()
            archive.add(path, name)
            other.write(path, name, zipfile.ZIP_DEFLATED)


def _in_a_column(images: Path, parquet: Path) -> Path:
    """Write the images as `datasets` does: structs, a hundred a row group."""
    rows = [
        {"bytes": path.read_bytes(), "path": path.relative_to(images).as_posix()}
        for path in files_of(images)
    ]
    pq.write_table(pa.table({"image": rows}), parquet, row_group_size=100)
    return parquet


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
