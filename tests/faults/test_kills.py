"""SIGKILL at random moments, again and again: the table ends equal to the undisturbed one.

On one process it is the driver that is killed; on several, the driver and each worker in turn. No
run hangs, and none leaves a process behind. The images lie in a folder, or in tar archives; all
kills of both kinds on both are made with FROZEN_FEATURES_ALL_KILLS=1.
"""

import itertools
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.errors import FrozenFeaturesError
from pipelines.table.feature_table import FeatureTable
from pipelines.table.receipts import read_receipt
from pipelines.table.rows import names_of
from pipelines.table.storage import open_storage
from tests.conftest import ROOT, write_dataset
from tests.faults.commands import command, content, finish
from tests.pipelines.images.sources import FORMS
from tests.processes import children_of, end_soon, running_in_session

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

SEED = 20_251
ENDS_SECONDS = 60.0
DRIVER = 0
TWO_PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """96 images of two classes, 32 of which have a copy: 32 shards of 4."""
    root = tmp_path_factory.mktemp("images")
    return write_dataset(root, {"train": 16, "validation": 16, "test": 16}, ("dark", "light"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Where the base is converted once; the engine then starts without TensorFlow."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def undisturbed(images, cache, tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROZEN_FEATURES_CACHE", str(cache))
        table = tmp_path_factory.mktemp("undisturbed") / "features"
        finish(with_copies(images, table))
    assert len(FeatureTable.open(str(table)).paths) == 32
    return table


def with_copies(images: Path | str, table: Path, *more: str) -> list[str]:
    cheap = ("--augment", "1", "--shard_size", "4")
    return command(images, table, *cheap, *more)


def data_files(table: Path) -> list[Path]:
    return sorted((table / "data").glob("*.parquet"))


@dataclass
class Killer:
    """Kills processes of runs, each at a random moment.

    Attributes:
        victims: which process is next: `DRIVER`, or the number of a worker.
        moment: the randomness.
        kills: of which processes, so far.
        slowest: seconds from a kill to the end of the run.
    """

    victims: Iterator[int]
    moment: random.Random
    kills: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0

    def strike(self, arguments: list[str], table: Path) -> bool:
        """Start a run and kill one of its processes; False if it was done before that."""
        process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        number = next(self.victims)
        self._wait(process, table, number)
        victim = process.pid if number == DRIVER else self._worker(process, number)
        killed = time.monotonic()
        if victim is not None:
            os.kill(victim, signal.SIGKILL)
        _, said = process.communicate(timeout=ENDS_SECONDS)
        self.slowest = max(self.slowest, time.monotonic() - killed)
        assert end_soon(running_in_session(process.pid)), f"left behind after {number}"
        assert "Traceback" not in said
        if victim is None or process.returncode == 0:
            return False
        if number != DRIVER:
            assert process.returncode == 1, said
            last = said.splitlines()[-1]
            assert last.startswith(f"error: extraction failed: worker process {victim} was ended")
            assert "SIGKILL" in last
            assert "the same command goes on from them" in last
        self.kills[number] += 1
        return True

    def _wait(self, process: subprocess.Popen[str], table: Path, number: int) -> None:
        """Wait till it extracts, or has just begun to; a driver may also be hit as it starts."""
        if number == DRIVER and self.moment.random() < 0.25:
            time.sleep(self.moment.uniform(0.0, 3.0))
            return
        before = len(data_files(table))
        begun = self.moment.random() < 0.75
        while process.poll() is None:
            working = len(data_files(table)) > before
            if working or (not begun and len(children_of(process.pid)) >= number > DRIVER):
                break
            time.sleep(0.002)
        time.sleep(self.moment.uniform(0.0, 0.25))

    def _worker(self, process: subprocess.Popen[str], number: int) -> int | None:
        workers = children_of(process.pid)
        return workers[number - 1] if len(workers) >= number else None


def extracted_rows(table: Path) -> tuple[Counter[str], int]:
    """How often each row, by its name, stands in a finished file; how many files are unfinished."""
    counts: Counter[str] = Counter()
    torn = 0
    for path in data_files(table):
        try:
            receipt = read_receipt(open_storage(str(table)), f"data/{path.name}")
        except FrozenFeaturesError:
            torn += 1
            continue
        if receipt is not None and receipt.shard != "edit":
            counts.update(names_of(pq.ParquetFile(path).read(columns=["image_id", "copy"])))
    return counts, torn


KILLS_OF_TWO = 3
ONE = ((), (DRIVER,), 3)
TWO = (TWO_PROCESSES, (1, DRIVER, 2), 3)
WAYS = [("folder", *ONE), ("shards", *TWO)]
if os.environ.get("FROZEN_FEATURES_ALL_KILLS"):
    WAYS += [("shards", *ONE), ("folder", *TWO)]


@pytest.mark.parametrize(
    ("form", "flags", "victims", "kills"),
    WAYS,
    ids=[f"{way[0]}, {1 + bool(way[1])} processes" for way in WAYS],
)
def test_kills_lose_nothing_and_double_nothing(
    images, undisturbed, cache, tmp_path, monkeypatch, form, flags, victims, kills
):
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(cache))
    source = FORMS[form](images, tmp_path)
    killer = Killer(itertools.cycle(victims), random.Random(SEED))
    expected = content(undisturbed)
    rounds = torn_files = redone_rows = compared = 0
    started = time.monotonic()
    while killer.kills.total() < kills:
        table = tmp_path / f"round{rounds}"
        rounds += 1
        run = with_copies(source, table, *flags)
        while killer.kills.total() < kills and killer.strike(run, table):
            pass
        finish(run)
        assert content(table).equals(expected)
        compared += expected.num_rows
        counts, torn = extracted_rows(table)
        assert set(counts) == set(names_of(expected))
        torn_files += torn
        redone_rows += sum(counts.values()) - len(counts)
    print(
        f"{kills} kills of {dict(killer.kills)} in {rounds} rounds, the slowest end after "
        f"{killer.slowest:.1f} s, {torn_files} shards redone, {redone_rows} finished rows done "
        f"again, {compared} rows compared equal, {time.monotonic() - started:.0f} s"
    )
    assert set(killer.kills) == set(victims)
    assert torn_files <= max(1, len(victims) - 1) * kills
    assert redone_rows == 0


ALSO = "VGG16:block4_pool:avg"


def test_kills_of_a_run_into_two_tables_cost_neither_a_row(
    images, undisturbed, cache, tmp_path, monkeypatch
):
    """Each table ends as if it were alone, and no row that was finished in it is done again."""
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(cache))
    base, layer, pooling = ALSO.split(":")
    alone = tmp_path / "alone"
    finish(with_copies(images, alone, "--base", base, "--layer", layer, "--pooling", pooling))
    expected = {"first": content(undisturbed), "second": content(alone)}
    killer = Killer(itertools.cycle((DRIVER,)), random.Random(SEED))
    rounds = 0
    while killer.kills.total() < KILLS_OF_TWO:
        first, second = (tmp_path / f"{name}{rounds}" for name in expected)
        rounds += 1
        run = with_copies(images, first, "--also", f"{ALSO}={second}", "--commit_every", "40")
        watched = itertools.cycle((first, second))
        while killer.kills.total() < KILLS_OF_TWO and killer.strike(run, next(watched)):
            pass
        finish(run)
        for table, rows in zip((first, second), expected.values(), strict=True):
            assert content(table).equals(rows)
            counts, torn = extracted_rows(table)
            assert set(counts) == set(names_of(rows))
            assert counts.total() == len(counts)
            assert torn <= killer.kills.total()
