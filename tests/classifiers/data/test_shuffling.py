"""Streamed rows in a random order: each once, well mixed, within the budget."""

from dataclasses import replace

import numpy as np
import pytest

from classifiers.data import decoding
from classifiers.data.memory import MemoryBudget
from classifiers.data.row_groups import find_rows
from classifiers.data.shuffling import POOL_SHARE, Pool, pool_rows, shuffled_batches
from classifiers.data.training_set import hold, labelled_rows
from pipelines.errors import UsageError
from tests.classifiers.tables import LENGTH, ROWS, write_table

FILES = 160
BATCH = 23
BUDGET = FILES * ROWS * LENGTH * 4 // 4
"""A quarter of the features."""


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shuffled") / "features"
    table = write_table(folder, {"train": FILES}, ("cat", "dog"))
    found = labelled_rows(find_rows(table, "train"), ("cat", "dog"), "train")
    return replace(found, budget=MemoryBudget(BUDGET, "--memory"))


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch):
    monkeypatch.setattr(decoding, "usable_cores", lambda: 2)


def one_epoch(streamed, seed: int):
    return list(shuffled_batches(streamed, BATCH, np.random.default_rng(seed)))


def by_bytes(features, targets) -> list[tuple[bytes, int]]:
    return [(x.tobytes(), int(y)) for x, y in zip(features, targets, strict=True)]


def test_every_row_comes_once_with_its_label(streamed):
    batches = one_epoch(streamed, 0)
    assert [len(y) for _, y in batches] == [BATCH] * (FILES * ROWS // BATCH) + [
        FILES * ROWS % BATCH
    ]
    drawn = [row for batch in batches for row in by_bytes(*batch)]
    held = hold(streamed)
    assert sorted(drawn) == sorted(by_bytes(held.features, held.targets))


def test_the_seed_decides_the_order(streamed):
    first, again, other = (one_epoch(streamed, seed) for seed in (1, 1, 2))
    for (a, _), (b, _) in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0][0], other[0][0])


def test_batches_mix_classes_although_files_hold_one_each(streamed):
    shares = np.array([y.mean() for _, y in one_epoch(streamed, 0)[:-1]])
    in_file_order = np.array([y.mean() for _, y in streamed.batches()])
    assert set(in_file_order) == {0.0, 1.0}
    assert shares.min() > 0.0
    assert shares.max() < 1.0
    # Draws from all rows would vary by sqrt(0.25 / 23) = 0.10; the pool adds its own variation.
    assert shares.std() < 0.2


def test_the_pool_stays_within_its_share_of_the_budget(streamed, monkeypatch):
    most = []
    add = Pool.add

    def watched(pool, features, targets):
        add(pool, features, targets)
        most.append(pool.held * LENGTH * 4)
        assert pool._features.nbytes <= BUDGET // POOL_SHARE

    monkeypatch.setattr(Pool, "add", watched)
    one_epoch(streamed, 0)
    assert BUDGET // POOL_SHARE - streamed.batch_bytes < max(most) <= BUDGET // POOL_SHARE


def test_a_budget_too_small_to_mix_is_refused_and_the_one_it_names_will_do(streamed):
    assert pool_rows(streamed, BATCH) == BUDGET // POOL_SHARE // (LENGTH * 4)
    for size in (BUDGET // 2, 10):
        with pytest.raises(UsageError, match=r"too little to shuffle .* give --memory 1M or more"):
            pool_rows(replace(streamed, budget=MemoryBudget(size, "--memory 1k")), BATCH)
    assert pool_rows(replace(streamed, budget=MemoryBudget(2 * 10**6, "")), BATCH) == FILES * ROWS
