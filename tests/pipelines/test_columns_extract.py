"""Extraction from images in columns: the table is that of the folder, and so is what follows."""

import shutil
import time
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import verify
from pipelines.driver import extract
from pipelines.images.listing import list_images
from pipelines.planning.preparing import prepare_run
from pipelines.stores import parquet_member
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from tests.columns import write
from tests.conftest import write_image


def in_a_column(folder, path, rows=10, shuffled=True):
    """The images of a folder in one file, in an order that is none of their ids."""
    refs = [*list_images(str(folder))]
    refs = refs[::3] + refs[1::3] + refs[2::3] if shuffled else refs
    table = pa.table(
        {
            "id": [ref.image_id for ref in refs],
            "label": [ref.label for ref in refs],
            "split": [ref.split for ref in refs],
            "image": [Path(ref.uri).read_bytes() for ref in refs],
        }
    )
    return write(table, path, rows)


def rows_of(table):
    rows = FeatureTable.open(str(table)).dataset().to_table().sort_by("image_id")
    return rows.drop_columns(["uri", "modified"])


@pytest.mark.parametrize(
    "name",
    [
        "x.parquet",
        pytest.param("x.arrow", marks=pytest.mark.acceptance),
        pytest.param("x.feather", marks=pytest.mark.acceptance),
    ],
)
def test_the_table_is_that_of_the_folder(dataset, table, make_job, tmp_path, name):
    where = in_a_column(dataset, tmp_path / name)
    time.sleep(1.1)  # a file of the second in which a run begins is in doubt
    job = make_job(where, tmp_path / "features", shard_rows=16)
    assert extract(job).attempted == 88
    assert rows_of(tmp_path / "features").equals(rows_of(table))
    scene = prepare_run(job).look()
    assert (len(scene.comparison.same), scene.comparison.hashed) == (88, 0)
    assert extract(job).attempted == 0
    check = ["--table", job.table, "--input", str(where), "--weights", "random:1"]
    assert verify.main(check) == 0


def test_parts_and_shards_read_each_row_group_about_once(dataset, make_job, tmp_path, monkeypatch):
    where = in_a_column(dataset, tmp_path / "x.parquet", rows=4)
    begun = []
    values = parquet_member._values

    def counted(file, metadata, group, column):
        begun.append(group)
        return values(file, metadata, group, column)

    monkeypatch.setattr(parquet_member, "_values", counted)
    job = make_job(where, tmp_path / "features", shard_rows=30)
    assert extract(job).attempted == 88
    # 22 groups, three splits in each of them, and one look before.
    assert len(begun) <= 3 * 22 + 2


@pytest.mark.acceptance
def test_changed_images_are_found_by_their_hashes(dataset, make_job, tmp_path):
    folder = tmp_path / "images"
    shutil.copytree(dataset, folder)
    where = in_a_column(folder, tmp_path / "x.parquet")
    job = make_job(where, tmp_path / "features")
    extract(job)
    changed = next((folder / "train").rglob("*.png"))
    write_image(changed, seed=999)
    changed.with_name("zzz.png").write_bytes(write_image(tmp_path / "new.png", 998).read_bytes())
    in_a_column(folder, where)
    scene = prepare_run(job).look()
    assert scene.comparison.changed == {str(changed.relative_to(folder))}
    assert len(scene.comparison.new) == 1
    assert scene.comparison.hashed == 88
    assert extract(job).attempted == 2
    assert len(rows_of(job.table)) == 89


def test_a_damaged_row_group_is_a_failure_for_each_of_its_images(dataset, make_job, tmp_path):
    from pyarrow import parquet

    where = in_a_column(dataset, tmp_path / "x.parquet")
    found = parquet.read_metadata(where).row_group(3)
    (group,) = (
        found.column(number)
        for number in range(found.num_columns)
        if found.column(number).path_in_schema == "image"
    )
    content = bytearray(where.read_bytes())
    content[group.dictionary_page_offset + group.total_compressed_size // 2] ^= 1
    where.write_bytes(content)
    job = make_job(where, tmp_path / "features", max_failures=10)
    report = extract(job)
    assert len(rows_of(job.table)) == 78
    assert len(report.failures) == 10
    messages = set(read_failures(report.table)["message"].to_pylist())
    assert len(messages) == 1
    assert "row group 3 of" in messages.pop()
