"""What every source promises: the same images give the same table, whatever holds them."""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.driver import extract
from pipelines.images.at_location import root_of
from pipelines.images.listing import list_images
from pipelines.planning.job import ExtractJob
from pipelines.stores.reading import read_bytes, sha256_of
from pipelines.table.feature_table import FeatureTable
from tests.conftest import TINY, write_dataset, write_image
from tests.pipelines.images.sources import FORMS

COLUMNS = ("column", "arrow files")
LIKE_ANOTHER = ("json lines", "shards", "arrow files")
"""Listed in a way of their own and read as another form is: as a whole, long tests."""
PACKED = ("tar", "shards", "web dataset", "zip")


@pytest.fixture
def folder(tmp_path) -> Path:
    return dataset_in(tmp_path)


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


def as_listed(location: str) -> list[tuple[object, ...]]:
    refs = list_images(location)
    return [(ref.image_id, ref.label, ref.split, ref.bytes) for ref in refs]


def run(location: str, table: Path, **options) -> dict[str, object]:
    job = ExtractJob(location, str(table), TINY, batch_size=8, threads=2, **options)
    return extract(job).as_json()


def content(table: Path) -> pa.Table:
    rows = FeatureTable.open(str(table)).dataset().to_table().sort_by("image_id")
    places = ("uri", "modified")
    return rows.drop_columns([name for name in places if name in rows.column_names])


def test_a_source_lists_and_reads_the_same_images(folder, tmp_path, form):
    location = FORMS[form](folder, tmp_path)
    wanted = as_listed(str(folder))
    if form in COLUMNS:  # how many bytes an image has is known when it is read
        wanted = [(*each[:3], 0) for each in wanted]
    assert as_listed(location) == wanted
    for ref, other in zip(list_images(location), list_images(str(folder)), strict=True):
        assert read_bytes(ref.uri) == read_bytes(other.uri)
        assert sha256_of(ref.uri) == sha256_of(other.uri)
        assert ref.changed > 0


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> tuple[pa.Table, pa.Table]:
    """The tables of the folder, and of the folder as it is changed below."""
    place = tmp_path_factory.mktemp("plain")
    folder = dataset_in(place)
    run(str(folder), place / "before")
    change(folder)
    run(str(folder), place / "after")
    return content(place / "before"), content(place / "after")


def dataset_in(place: Path) -> Path:
    return write_dataset(place / "images", {"train": 4, "validation": 1, "test": 1}, ("a", "b"))


def change(folder: Path) -> None:
    write_image(folder / "train/a/new.png", seed=77)
    write_image(folder / "train/a/a000.png", seed=78)
    (folder / "test/b/b000.png").unlink()


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(each, marks=pytest.mark.acceptance if each in LIKE_ANOTHER else ())
        for each in FORMS
    ],
    indirect=True,
)
def test_a_source_gives_the_folder_s_table_and_is_taken_up_where_it_was_left(
    folder, tmp_path, form, plain
):
    before, after = plain
    location, table = FORMS[form](folder, tmp_path), tmp_path / "table"
    assert run(location, table)["written"] == 12
    assert content(table).equals(before)
    again = run(location, table)
    assert (again["attempted"], again["present"]) == (0, 12)
    change(folder)
    now = run(FORMS[form](folder, tmp_path), table, prune=True)
    assert (now["written"], now["replaced"], now["pruned"]) == (2, 1, 1)
    assert content(table).equals(after)


@pytest.mark.parametrize("form", PACKED + COLUMNS)
def test_a_damaged_member_costs_itself(folder, tmp_path, form):
    (folder / "train/a/a001.png").write_bytes(b"no image")
    report = run(FORMS[form](folder, tmp_path), tmp_path / "table")
    assert (report["written"], report["new_failures"]) == (11, 1)


@pytest.mark.parametrize("form", PACKED)
def test_all_lie_in_the_root(folder, tmp_path, form):
    location = FORMS[form](folder, tmp_path)
    root = root_of(location)
    files = [path for path in tmp_path.rglob("*") if path.suffix in (".tar", ".zip")]
    assert all(path.is_relative_to(root) for path in files)
    assert not Path(root).is_relative_to(folder)
    os.utime(files[0])
    shutil.rmtree(folder)
    assert len(as_listed(location)) == 12
