"""SIGKILL at random moments, again and again: the table ends equal to the undisturbed one."""

import random
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.errors import FrozenFeaturesError
from pipelines.table.feature_table import FeatureTable
from pipelines.table.receipts import read_receipt
from pipelines.table.rows import names_of
from pipelines.table.storage import open_storage
from tests.conftest import write_dataset
from tests.faults.commands import command, content, finish, start

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

KILLS = 12
SEED = 20_251
WORKERS = 1


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """204 images of two classes, 100 of which have a copy: 38 shards of 8."""
    root = tmp_path_factory.mktemp("images")
    return write_dataset(root, {"train": 50, "validation": 26, "test": 26}, ("dark", "light"))


@pytest.fixture(scope="module")
def undisturbed(images, tmp_path_factory) -> Path:
    table = tmp_path_factory.mktemp("undisturbed") / "features"
    finish(with_copies(images, table))
    assert len(FeatureTable.open(str(table)).paths) == 39
    return table


def with_copies(images: Path, table: Path) -> list[str]:
    return command(images, table, "--augment", "1")


def data_files(table: Path) -> list[Path]:
    return sorted((table / "data").glob("*.parquet"))


def kill_once(images: Path, table: Path, moment: random.Random) -> bool:
    """Start a run and kill it at a random moment; False if it had already finished."""
    process = start(with_copies(images, table))
    before = len(data_files(table))
    if moment.random() < 0.75:  # while it extracts, or at once after; else while it starts
        while process.poll() is None and len(data_files(table)) == before:
            time.sleep(0.002)
        time.sleep(moment.uniform(0.0, 0.25))
    else:
        time.sleep(moment.uniform(0.0, 5.0))
    killed = process.poll() is None
    process.kill()
    process.communicate()
    return killed


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


def test_kills_lose_nothing_and_double_nothing(images, undisturbed, tmp_path):
    moment = random.Random(SEED)
    expected = content(undisturbed)
    kills = rounds = torn_files = redone_rows = compared = 0
    while kills < KILLS:
        table = tmp_path / f"round{rounds}"
        rounds += 1
        while kills < KILLS and kill_once(images, table, moment):
            kills += 1
        finish(with_copies(images, table))
        assert content(table).equals(expected)
        compared += expected.num_rows
        counts, torn = extracted_rows(table)
        assert set(counts) == set(names_of(expected))
        torn_files += torn
        redone_rows += sum(counts.values()) - len(counts)
    print(
        f"{kills} kills in {rounds} rounds, {torn_files} shards redone, "
        f"{redone_rows} finished rows done again, {compared} rows compared equal"
    )
    assert kills == KILLS
    assert torn_files <= WORKERS * kills
    assert redone_rows == 0
