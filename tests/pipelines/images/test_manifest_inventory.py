"""A plain manifest listed as columns is what the rows' own listing makes of it."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.images import manifest_inventory, plain_columns, stat_of_many
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.listing import list_images
from pipelines.images.manifest import list_rows
from pipelines.images.manifest_files import read_table, texts
from pipelines.images.manifest_inventory import inventory_of_manifest
from pipelines.images.picked import Picked
from pipelines.images.plain_columns import NotPlainError
from pipelines.records import ImageRef

LABELS = st.sampled_from(["cat", " dog ", "1.0", "", None])
SPLITS = st.sampled_from(["train", "val", "Test_1", " ", None])
GROUPS = st.sampled_from(["p1", "2.0", None])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    for number in range(8):
        folder = root / f"f{number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"é{number}.jpg").write_bytes(b"x" * number)
        os.utime(folder / f"é{number}.jpg", ns=(number * 10**12, number * 10**12 + 1999))
    return root


def _plainly(rows: pa.Table, root: Path, layout: Layout = PLAIN) -> list[ImageRef]:
    refs = list_rows("m.parquet", texts(rows), root, layout)
    return sorted(refs, key=lambda ref: ref.image_id)


@given(st.data())
def test_it_is_what_the_listing_of_rows_gives(root: Path, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, 9), min_size=1, unique=True))
    prefix = data.draw(st.sampled_from(["", f"{root}/"]))
    columns: dict[str, list[str | None]] = {
        "path": [f"{prefix}f{number % 3}/é{number}.jpg" for number in numbers]
    }
    if data.draw(st.booleans()):
        columns["id"] = [f"{9 - number}" for number in numbers]
    for name, values in (("label", LABELS), ("split", SPLITS), ("group", GROUPS)):
        if data.draw(st.booleans()):
            columns[name] = [data.draw(values) for _ in numbers]
    rows = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    found = inventory_of_manifest("m.parquet", rows, root)
    assert list(found.values()) == _plainly(rows, root)


@pytest.mark.parametrize(
    "columns",
    [
        {"label": pa.array([3, None, 3])},
        {"label": pa.array([1.0, float("nan"), 0.5])},
        {"label": pa.array(["a", "b", None]).dictionary_encode(), "split": ["val", None, "é"]},
        {"split": pa.array([2, 1, 2])},
    ],
)
def test_columns_of_other_types_say_what_their_texts_say(
    root: Path, columns: dict[str, Any]
) -> None:
    rows = pa.table({"path": ["f0/é0.jpg", "f1/é1.jpg", "f2/none.jpg"], **columns})
    found = inventory_of_manifest("m.parquet", rows, root)
    assert list(found.values()) == _plainly(rows, root)


def test_blocks_make_no_difference(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_inventory, "BLOCK", 3)
    monkeypatch.setattr(plain_columns, "BLOCK", 3)
    monkeypatch.setattr(stat_of_many, "BLOCK", 3)
    names = [f"f{number % 3}/é{number}.jpg" for number in range(8)]
    rows = pa.table({"path": names, "label": ["a", None] * 4, "split": ["", "test"] * 4})
    assert list(inventory_of_manifest("m", rows, root).values()) == _plainly(rows, root)


@pytest.mark.parametrize(
    "path",
    [
        *("f0//a.jpg", "f0/./a.jpg", "f0/../a.jpg", "./a.jpg", "../a.jpg", "f0/", "f0/.", "f0/.."),
        *("", ".", "..", "//f0/a.jpg", "s3://b/a.jpg", "https://h/a.jpg", "a\0.jpg", None),
        *("/etc/hostname", "link.jpg", "out/a.jpg", "f0/é0.jpg"),
    ],
)
def test_what_is_not_plain_is_left_to_the_listing_of_rows(
    tmp_path: Path, root: Path, path: str | None
) -> None:
    for name in ("f0", "f1"):
        (tmp_path / name).mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "f0")
    (tmp_path / "out").symlink_to(root)
    rows = pa.table({"path": ["f0/é0.jpg", "f1/b.jpg", path]})
    with pytest.raises(NotPlainError):
        inventory_of_manifest("m.parquet", rows, tmp_path)


@pytest.mark.parametrize(
    "layout",
    [Layout(id_prefix="a/"), Layout(label_separator=","), Layout(split_by="stratified")],
)
def test_what_is_to_be_understood_in_another_way_is_left_to_it(root: Path, layout: Layout) -> None:
    rows = pa.table({"path": ["f0/é0.jpg"]})
    with pytest.raises(NotPlainError):
        inventory_of_manifest("m.parquet", rows, root, layout)


def test_ids_that_are_repeated_and_lists_of_labels_are_left_to_it(root: Path) -> None:
    paths = ["f0/é0.jpg", "f1/é1.jpg"]
    for more in ({"id": ["a", "a"]}, {"id": ["a", None]}, {"label": [["a"], ["b", "c"]]}):
        with pytest.raises(NotPlainError):
            inventory_of_manifest("m", pa.table({"path": paths, **more}), root)
    with pytest.raises(NotPlainError):
        inventory_of_manifest("m", pa.table({"path": pa.array([], pa.string())}), root)
    with pytest.raises(NotPlainError):  # one file under two ids
        twice = pa.table({"path": [paths[0], paths[1], paths[0]], "id": ["a", "b", "c"]})
        inventory_of_manifest("m", twice, root)


def test_a_manifest_in_a_file_is_listed_as_columns_in_any_format(root: Path) -> None:
    names = [f"f{number % 3}/é{number}.jpg" for number in range(8)]
    table = pa.table({"path": names[::-1], "label": ["a", "b"] * 4})
    pq.write_table(table, root / "m.parquet")
    (root / "m.csv").write_text(
        "\n".join(["path,label", *map(",".join, zip(*table.to_pydict().values(), strict=True))])
    )
    for file in ("m.parquet", "m.csv"):
        found = list_images(str(root / file))
        assert isinstance(found, Picked)
        assert found == _plainly(read_table(str(root / file)), root)
        assert [ref.image_id for ref in found] == sorted(names)
