from collections import Counter

import numpy as np
import pyarrow as pa

from classifiers.reporting.sampling import sampled


def keys_of(counts: dict[tuple[str, str | None], int]) -> pa.Table:
    rows = [each for each, count in counts.items() for _ in range(count)]
    order = np.random.default_rng(1).permutation(len(rows))
    return pa.table(
        {
            "split": pa.array([rows[k][0] for k in order], pa.string()),
            "label": pa.array([rows[k][1] for k in order], pa.string()),
        }
    )


def chosen_of(keys: pa.Table, most: int) -> Counter:
    taken = keys.take(pa.array(sampled(keys, most, 0))).to_pylist()
    return Counter((row["split"], row["label"]) for row in taken)


def test_each_label_of_each_split_has_its_share_and_at_least_one():
    counts = {("train", "a"): 600, ("train", "b"): 300, ("test", "a"): 99, ("test", None): 1}
    found = chosen_of(keys_of(counts), 100)
    assert found[("test", None)] == 1
    assert sum(found.values()) == 100
    for each, count in counts.items():
        assert abs(found[each] - count / 10) <= 1


def test_all_are_taken_where_there_are_no_more():
    counts = {("train", "a"): 3, ("train", "b"): 2}
    assert sampled(keys_of(counts), 5, 0).tolist() == [0, 1, 2, 3, 4]


def test_more_labels_than_images_to_show():
    counts = {("train", f"{k:03d}"): 5 for k in range(120)}
    assert {*chosen_of(keys_of(counts), 50).values()} == {1}


def test_a_million_rows_are_chosen_from():
    keys = pa.table({"split": ["train"] * 1_000_000, "label": ["a", "b"] * 500_000})
    found = sampled(keys, 2_000, 0)
    assert len({*found.tolist()}) == 2_000
    assert (np.diff(found) > 0).all()
    assert np.bincount(found % 2).tolist() == [1_000, 1_000]
