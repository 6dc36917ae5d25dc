"""An image and all its copies are named after it and committed together."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contract import Augmentation
from pipelines.driver import extract
from pipelines.planning.copies import rows_wanted
from pipelines.planning.cutting import cut_parts, cut_shards
from pipelines.records import ImageRef, copy_of, image_of, is_copy, row_name
from pipelines.table.feature_table import FeatureTable
from tests.pipelines.planning.copies.rows import one_run
from tests.pipelines.test_increments import content


@given(image_id=st.text(st.characters(exclude_characters="\0")), copy=st.integers(0, 10_000))
def test_a_name_tells_image_and_copy(image_id, copy):
    name = row_name(image_id, copy)
    assert (image_of(name), copy_of(name), is_copy(name)) == (image_id, copy, copy > 0)
    assert ImageRef(image_id, "", None, "", 0, 0, 0, copy).name == name


@pytest.mark.acceptance
def test_parts_hold_an_image_with_all_its_copies(job, tmp_path):
    extract(replace(job, commit_every=5))
    table = FeatureTable.open(job.table)
    assert table.version == 5  # 24 images
    for version in range(1, 6):
        of = FeatureTable.open(job.table, version).keys()
        copies = dict.fromkeys(of["image_id"].to_pylist(), 0)
        for image_id in of["image_id"].to_pylist():
            copies[image_id] += 1
        assert set(copies.values()) <= {1, 3}
        assert all((count == 3) == name.startswith("train/") for name, count in copies.items())
    assert content(job.table).equals(one_run(job, tmp_path))


@given(images=st.integers(1, 30), copies=st.integers(0, 3), most=st.integers(1, 12))
def test_no_image_is_cut_by_a_part_or_a_shard(images, copies, most):
    refs = {f"{n:03d}": ImageRef(f"{n:03d}", "", None, "train", 1, 0, 0) for n in range(images)}
    rows = list(rows_wanted(refs, copies, Augmentation(), {}).values())
    assert len(rows) == images * (1 + copies)
    shards = cut_shards(rows, most)
    assert [r.name for shard in shards for r in shard.refs] == [r.name for r in rows]
    assert all(len(shard.refs) <= max(most, 1 + copies) for shard in shards)
    firsts = [shard.refs[0].image_id for shard in shards]
    assert all(shard.refs[0].copy == 0 for shard in shards)
    assert len(firsts) == len(set(firsts)) == -(-images // max(1, most // (1 + copies)))
    parts = cut_parts(rows, most)
    assert sorted(r.name for part in parts for r in part) == sorted(r.name for r in rows)
    for part in parts:
        ids = [ref.image_id for ref in part]
        assert len(ids) == (1 + copies) * len(set(ids))
        assert len(set(ids)) <= most
