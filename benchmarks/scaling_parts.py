"""One part of the driver's work at one size, in a process of its own, so that its peak is its own.

`python -m benchmarks.scaling_parts FILE PART NUMBER FOLDER`; the file gets what it took as JSON.
"""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from benchmarks.synthetic import CONTRACT, LENGTH, make_manifest, make_tree, refs_of, write_files
from pipelines.commits.agreeing import agreement_of
from pipelines.commits.books import tally
from pipelines.commits.contents import contents_of
from pipelines.commits.leakage import find_leakage
from pipelines.images.fingerprint import fingerprint
from pipelines.images.hashing import ContentHashes
from pipelines.images.inventory import Inventory
from pipelines.images.layout import STAT_COLUMNS, Layout
from pipelines.images.listing import list_images
from pipelines.images.picked import every, whole
from pipelines.planning.column_comparison import compare_columns
from pipelines.planning.cutting import cut_shards, make_plan, sort_inputs
from pipelines.planning.recalling import comparison_of, recall
from pipelines.planning.run import Scene
from pipelines.planning.uncommitted import NO_WORK
from pipelines.shards.beam import load_beam
from pipelines.system.memory import own_peak
from pipelines.table.agreements import keep_agreement
from pipelines.table.change import Change, TableState
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.storage import open_storage

ROWS_A_FILE = 1024
MANY = 1_000_000
"""Images from which on files are larger, as docs/scaling.md says."""

FEW_ROWS = 4
"""A file's rows where only the number of files counts."""


def rows_a_file(images: int) -> int:
    """Rows of a file of a table of so many images."""
    return ROWS_A_FILE if images <= MANY else 16 * ROWS_A_FILE


class Stopwatch:
    """The processor's seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add the block's time to a name."""
        started = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - started


def listing(number: int, folder: Path, watch: Stopwatch) -> dict[str, float]:
    """A folder tree and a manifest of it, files made before."""
    tree = folder / f"tree-{number}"
    if not tree.exists():
        make_tree(tree, number)
        make_manifest(tree, folder / f"tree-{number}.parquet", number)
    before = own_peak()
    with _also_by_others(watch, "folder"):
        refs = list_images(str(tree))
    assert len(refs) == number
    held = own_peak() - before
    del refs
    manifest = str(folder / f"tree-{number}.parquet")
    with _also_by_others(watch, "manifest"):
        assert len(list_images(manifest, str(tree))) == number
    stated = Layout(stat_columns={name: name for name in STAT_COLUMNS})
    with watch("stated"):
        assert len(list_images(manifest, str(tree), stated)) == number
    return {"bytes_folder": held}


@contextmanager
def _also_by_others(watch: Stopwatch, name: str) -> Iterator[None]:
    """Add the block's time to a name, and that of the processes it starts to another."""
    others = _seconds_of_others()
    with watch(name):
        yield
    watch.seconds[f"{name}, others"] = _seconds_of_others() - others


def _seconds_of_others() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def planning(number: int, folder: Path, watch: Stopwatch) -> dict[str, float]:
    """Comparing inputs with no table, sorting them, and cutting them into shards."""
    before = own_peak()
    images = Inventory.of(refs_of(number))
    listed = own_peak()
    with watch("compare"):
        compared, _ = compare_columns(images, EMPTY_KEYS, ContentHashes())
    with watch("sort"):
        todo = sort_inputs(images, compared.same, frozenset(), frozenset())
    with watch("cut"):
        plan = make_plan(todo, rows_a_file(number))
    with watch("books"):
        assert tally(every(images)).total() == plan.attempted
    return {"bytes_listed": listed - before, "bytes_planned": own_peak() - listed}


def job(number: int, folder: Path, watch: Stopwatch) -> dict[str, float]:
    """The job as it is sent to a runner: the shards stand in it."""
    shards = cut_shards(whole(Inventory.of(refs_of(number))), rows_a_file(number))
    logging.disable(logging.WARNING)
    beam = load_beam()
    before = own_peak()
    pipeline = beam.Pipeline(runner="FnApiRunner")
    _ = pipeline | beam.Create(shards) | beam.Reshuffle()
    with watch("encode"):
        size = len(pipeline.to_runner_api().SerializeToString())
    return {"bytes_job": size, "bytes_encoding": own_peak() - before}


def table(number: int, folder: Path, watch: Stopwatch) -> dict[str, float]:
    """A table of so many rows: a first run's commit, and what a later run looks at."""
    uri = str(folder / f"table-{number}")
    paths = list(write_files(uri, number, rows_a_file(number)))
    storage = open_storage(uri)
    before = own_peak()
    with watch("inspect"):
        files = [inspect_file(storage, path) for path in paths]
    state = TableState(uri, None, CONTRACT, (LENGTH,), EMPTY_KEYS)
    with watch("commit"):
        commit_change(state, Change(files, [], {"run": "r"}))
    committed = own_peak() - before
    del files
    images = Inventory.of(refs_of(number))
    with watch("open"):
        opened = FeatureTable.open(uri)
    with watch("keys"):
        keys = opened.keys()
    with watch("compare"):
        found, stored = compare_columns(images, keys, ContentHashes())
    assert len(found.same) == number
    with watch("sort"):
        assert not sort_inputs(images, found.same, frozenset(), frozenset()).new
    scene = Scene(opened, images, keys, stored, found, NO_WORK, 0)
    with watch("leakage"):
        leakage = find_leakage(contents_of(scene, frozenset()))
    agreement = agreement_of(scene, opened, leakage, fingerprint(images))
    assert agreement is not None
    keep_agreement(uri, agreement)
    with watch("recall"):
        agreed = recall(opened, images, fingerprint(images))
        assert agreed is not None
        assert len(comparison_of(images, agreed).same) == number
    return {
        "files": len(paths),
        "bytes_committing": committed,
        "bytes_looking": own_peak() - before,
    }


def files(number: int, folder: Path, watch: Stopwatch) -> dict[str, float]:
    """One commit of so many files, and opening what it made."""
    uri = str(folder / f"files-{number}")
    paths = list(write_files(uri, number * FEW_ROWS, FEW_ROWS))
    storage = open_storage(uri)
    before = own_peak()
    with watch("inspect"):
        found = [inspect_file(storage, path) for path in paths]
    state = TableState(uri, None, CONTRACT, (LENGTH,), EMPTY_KEYS)
    with watch("commit"):
        commit_change(state, Change(found, [], {"run": "r"}))
    with watch("open"):
        opened = FeatureTable.open(uri)
        assert len(opened.paths) == number
    with watch("history"):
        opened.history()
    log = Path(uri) / "_delta_log"
    return {
        "bytes_log": sum(path.stat().st_size for path in log.glob("*.json")),
        "bytes_committing": own_peak() - before,
    }


def commits(number: int, folder: Path, watch: Stopwatch) -> dict[str, float]:
    """So many commits of a file each, and opening what they made."""
    uri = str(folder / f"commits-{number}")
    storage = open_storage(uri)
    keys, last = EMPTY_KEYS, 0.0
    for version, path in enumerate(write_files(uri, number * FEW_ROWS, FEW_ROWS)):
        file = inspect_file(storage, path)
        state = TableState(uri, version or None, CONTRACT, (LENGTH,), keys)
        started = time.perf_counter()
        with watch("commits"):
            commit_change(state, Change([file], [], {"run": "r"}))
        last = time.perf_counter() - started
        again = pa.array([path] * file.keys.num_rows, pa.string())
        keys = pa.concat_tables([keys, file.keys.append_column("path", again)]).combine_chunks()
    with watch("open"):
        opened = FeatureTable.open(uri)
        assert len(opened.paths) == number
    with watch("history"):
        opened.history()
    log = Path(uri) / "_delta_log"
    return {
        "last_commit": last,
        "checkpoints": len(list(log.glob("*.checkpoint*.parquet"))),
        "bytes_log": sum(path.stat().st_size for path in log.iterdir()),
    }


PARTS: dict[str, Callable[[int, Path, Stopwatch], dict[str, float]]] = {
    part.__name__: part for part in (listing, planning, job, table, files, commits)
}


def main(file: str, part: str, number: str, folder: str) -> None:
    """Do one part."""
    watch = Stopwatch()
    found = PARTS[part](int(number), Path(folder), watch)
    result = {"seconds": watch.seconds, **found, "peak": own_peak()}
    Path(file).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
