"""Numbers of copies that no run has made: refused, before anybody tries to make all of them."""

import json

import pyarrow as pa
import pytest

from pipelines import forget, verify
from pipelines.driver import extract
from pipelines.errors import CommitRefusedError, TableError
from pipelines.planning.copies import copies_held
from pipelines.planning.job import ExtractJob
from pipelines.table.copy_numbers import highest_copies
from pipelines.table.feature_table import FeatureTable
from tests.pipelines.table.trees import (
    IMAGES,
    add_files,
    edit_log,
    rows,
    source,
    write_file,
    write_images,
)

POLICY = '{"fill":"nearest"}'


def keys(numbers: dict[str, list[int]]) -> pa.Table:
    pairs = [(name, number) for name, held in numbers.items() for number in held]
    names, copies = zip(*pairs, strict=True)
    return pa.table({"image_id": list(names), "copy": pa.array(copies, pa.int32())})


@pytest.mark.parametrize(
    "numbers",
    [
        {"a": [0, 2**31 - 1]},
        {"a": [0, 1, 2, 50_000]},
        {f"image {number}": [0, 1_000] for number in range(10)},
        {"a": [0, -1]},
        {"a": [-(2**31)]},
    ],
)
def test_numbers_that_no_copies_have(numbers):
    with pytest.raises(TableError, match="a row says that it is copy"):
        copies_held(keys(numbers))


@pytest.mark.parametrize(
    ("numbers", "held"),
    [
        ({"a": [0], "b": [0]}, {}),
        ({"a": [0, 1, 2, 3], "b": [0]}, {"a": 3}),
        ({"a": [0, 3], "b": [0, 1, 2]}, {"a": 3, "b": 2}),
        ({"a": [0, 900]}, {"a": 900}),
        ({f"image {number}": [0, 2, 4] for number in range(5_000)}, None),
    ],
)
def test_numbers_that_copies_may_have(numbers, held):
    found = copies_held(keys(numbers))
    assert found == (dict.fromkeys(numbers, 4) if held is None else held)


def test_no_rows_have_no_copies():
    assert highest_copies(keys({"a": [0]}).slice(0, 0)).num_rows == 0


@pytest.fixture
def claiming(small):
    """A table with a row that says it is copy 2,147,483,647, as another program put it there."""
    images = small.parent / "images"
    path = write_file(
        small,
        [source(images, IMAGES[5]), source(images, IMAGES[5], 2**31 - 1)],
        augmentation="{}",
    )
    bounds = {"split": "train"}
    stats = json.dumps({"numRecords": 2, "minValues": bounds, "maxValues": bounds})
    size = (small / path).stat().st_size
    edit_log(
        small,
        6,
        lambda line: line.get("add") and line["add"].update(path=path, size=size, stats=stats),
    )
    return small


@pytest.mark.timeout(60)
def test_a_row_that_claims_to_be_the_last_copy_there_can_be(claiming, capsys):
    images = write_images(claiming.parent / "images")
    with pytest.raises(TableError, match=r"it is copy 2147483647 of 'train/dog/2\.jpg'"):
        extract(ExtractJob(str(images), str(claiming)))
    options = ["--input", str(images), "--sample", "0"]
    assert verify.main(["--table", str(claiming), *options]) == 1
    assert "copy 2147483647" in capsys.readouterr().err
    # What the line advises helps.
    assert forget.main(["--table", str(claiming), "--image_id", IMAGES[5]]) == 0
    assert sorted(rows(claiming)) == sorted(IMAGES[:5])
    assert copies_held(FeatureTable.open(str(claiming)).keys()) == {}


@pytest.mark.parametrize("number", [2**31 - 1, -1])
def test_the_gate_refuses_such_rows(small, number):
    edit_log(
        small,
        0,
        lambda line: (
            "metaData" in line
            and line["metaData"]["configuration"].update({"frozen_features.augmentation": "{}"})
        ),
    )
    path = write_file(small, [source(small, IMAGES[5], number)], augmentation="{}")
    with pytest.raises(CommitRefusedError, match=f"a row says that it is copy {number}"):
        add_files(small, [path])
