import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.images import name_index
from pipelines.images.name_index import NameIndex, hashes_of

TEXTS = st.lists(st.text(max_size=40), max_size=60)


def _plainly(ids: list[str], wanted: list[str]) -> list[int]:
    return [ids.index(each) if each in ids else -1 for each in wanted]


@given(TEXTS, TEXTS)
def test_ids_are_found_as_in_a_list(held: list[str], others: list[str]) -> None:
    ids = [*dict.fromkeys(held)]
    wanted = [*others, *ids[::-1], *others]
    index = NameIndex(pa.array(ids, pa.large_string()))
    assert index.places(pa.array(wanted, pa.string())).tolist() == _plainly(ids, wanted)


def test_ids_are_found_in_whatever_blocks_they_are_hashed_and_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Short beside long: what a short one is padded with in its block is none of it.
    ids = [letter * number for number in range(30) for letter in "ab" if number or letter == "a"]
    whole = hashes_of(pa.array(ids, pa.large_string()))
    monkeypatch.setattr(name_index, "BLOCK", 4)
    monkeypatch.setattr(name_index, "MANY", 3)
    assert hashes_of(pa.array(ids, pa.large_string())).tolist() == whole.tolist()
    chunks = pa.chunked_array([ids[20:31], [], [*ids[:5], "c"]], pa.string())
    found = NameIndex(pa.array(ids, pa.large_string())).places(chunks)
    assert found.tolist() == [*range(20, 31), *range(5), -1]


def test_ids_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_index, "hashes_of", lambda ids: np.full(len(ids), 7, np.uint64))
    ids = ["a", "b", "c", "d"]
    index = NameIndex(pa.array(ids, pa.large_string()))
    assert index.places(pa.array(["d", "x", "a", "c", "b"])).tolist() == [3, -1, 0, 2, 1]


def test_a_slice_of_an_array_is_hashed_as_its_texts() -> None:
    texts = pa.array(["far too long to be looked at", "b", "ccc", ""], pa.large_string())
    apart = pa.array(["b", "ccc", ""], pa.large_string())
    assert hashes_of(texts[1:]).tolist() == hashes_of(apart).tolist()


def test_one_endless_id_makes_no_others_as_wide() -> None:
    """A manifest may be a stranger's."""
    endless = ["x" * 1_000_000, "x" * 999_999 + "y", "é" * 600]
    ids = [*endless, *map(str, range(200))]
    tracemalloc.start()
    index = NameIndex(pa.array(ids, pa.large_string()))
    found = index.places(pa.array([ids[100], *endless, "x" * 1025], pa.string()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.tolist() == [100, 0, 1, 2, -1]
    assert peak < 20_000_000
