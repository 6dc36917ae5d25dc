"""Stat data in a manifest's own columns: taken as they are, and no file or store asked."""

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.driver import extract
from pipelines.errors import InputError
from pipelines.extract import main
from pipelines.images import stated_files
from pipelines.images.layout import LabelsFrom, Layout
from pipelines.images.listing import list_images
from pipelines.images.manifest import list_rows
from pipelines.images.manifest_files import texts
from pipelines.images.manifest_inventory import inventory_of_manifest
from pipelines.images.manifest_listing import list_manifest
from pipelines.images.manifest_stat import stated_in
from pipelines.images.splits import split_of
from pipelines.records import ImageRef
from pipelines.stores.places import Place, parse_place
from tests.conftest import write_image

MEANT = {"size": "size", "modified": "last_modified_date"}
LAYOUT = Layout(stat_columns=MEANT)
ROOTS = (Path("/nowhere/images"), parse_place("s3://bucket/images"), parse_place("s3://bucket"))


@pytest.fixture(autouse=True)
def _nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object) -> None:
        pytest.fail("a file or a store was asked")

    monkeypatch.setattr(stated_files, "stat_numbers", ask)
    monkeypatch.setattr("pipelines.images.manifest.make_ref", ask)
    monkeypatch.setattr("pipelines.images.manifest.refs_with_stat", ask)


@given(st.data(), st.sampled_from(ROOTS), st.booleans())
def test_columns_are_what_the_listing_of_rows_gives(
    data: st.DataObject, root: Path | Place, with_ids: bool
) -> None:
    numbers = data.draw(st.lists(st.integers(0, 40), min_size=1, unique=True))
    drawn = data.draw(st.randoms(use_true_random=False))
    columns: dict[str, list[object]] = {
        "path": [f"f{number % 3}/é{number}.jpg" for number in numbers],
        "label": [drawn.choice(["cat", None]) for _ in numbers],
        "size": [drawn.randrange(1 << 40) for _ in numbers],
    }
    if with_ids:
        columns["id"] = [f"{90 - number}" for number in numbers]
    times = pa.array([drawn.randrange(1 << 50) for _ in numbers], pa.timestamp("us", "UTC"))
    rows = pa.table({**columns, "modified": times})
    stated = stated_in("m.parquet", rows)
    found = inventory_of_manifest("m.parquet", rows, root, LAYOUT, stated)
    plain = list_rows("m.parquet", texts(rows), root, LAYOUT, stated)
    assert list(found.values()) == sorted(plain, key=lambda ref: ref.image_id)
    for ref, number in zip(plain, range(len(numbers)), strict=True):
        assert ref.bytes == columns["size"][number]
        assert ref.modified == times[number].value
        assert ref.changed == ref.modified + 999_999


MOMENT = datetime(2024, 2, 29, 12, 30, 15, 250_000, UTC)
MICROSECONDS = (MOMENT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    "times",
    [
        pa.array([MOMENT], pa.timestamp("ms", "UTC")),
        pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ms")),
        pa.array([MICROSECONDS * 1000 + 999], pa.timestamp("ns", "UTC")),
        pa.array([MOMENT], pa.timestamp("us", "Europe/Berlin")),
        pa.array(["2024-02-29T12:30:15.250Z"]),
        pa.array(["2024-02-29T13:30:15.250+01:00"]),
        pa.array(["2024-02-29 12:30:15.250"]),
        pa.array(["2024-02-29T12:30:15.250Z"]).dictionary_encode(),
    ],
    ids=str,
)
def test_times_of_any_form_are_moments(times: pa.Array) -> None:
    stated = stated_in("m", pa.table({"size": pa.array(["7"]), "modified": times}))
    assert stated is not None
    assert (stated.sizes.tolist(), stated.modified.tolist()) == ([7], [MICROSECONDS])


@pytest.mark.parametrize(
    ("size", "modified", "said"),
    [
        (pa.array([1, None]), pa.array([MOMENT] * 2, pa.timestamp("us", "UTC")), "row 2 has none"),
        (pa.array([1, -2]), pa.array([MOMENT] * 2, pa.timestamp("us", "UTC")), "row 2 has -2"),
        (pa.array(["large"]), pa.array([MOMENT], pa.timestamp("us", "UTC")), "large"),
        (pa.array([1]), pa.array([1_700_000_000]), "int64 is no time"),
        (pa.array([1]), pa.array(["yesterday"]), "yesterday"),
    ],
)
def test_what_is_no_size_and_no_time_is_refused(
    size: pa.Array, modified: pa.Array, said: str
) -> None:
    with pytest.raises(InputError, match=f"--size_column and --modified_column.*{said}"):
        stated_in("m", pa.table({"size": size, "modified": modified}))


def test_an_inventory_of_a_bucket_is_a_manifest_in_any_format(tmp_path: Path) -> None:
    keys = ["images/cat/1.jpg", "images/dog/2.jpg"]
    report = pa.table(
        {
            "bucket": ["bucket"] * 2,
            "key": keys,
            "size": [10, 20],
            "last_modified_date": pa.array([MOMENT] * 2, pa.timestamp("ms", "UTC")),
            "e_tag": ["x", "y"],
        }
    )
    pq.write_table(report, tmp_path / "m.parquet")
    said = MOMENT.isoformat()
    rows = [
        {"key": key, "size": size, "last_modified_date": said}
        for key, size in zip(keys, (10, 20), strict=True)
    ]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    both = (MICROSECONDS, MICROSECONDS + 999_999)
    expected = [
        ImageRef(key, f"s3://bucket/{key}", label, split, size, *both)
        for key, label, size, split in (
            (keys[0], "cat", 10, split_of(keys[0], "cat")),
            (keys[1], "dog", 20, split_of(keys[1], "dog")),
        )
    ]
    for name in ("m.parquet", "m.jsonl", "m.csv"):
        for labels_from in (None, LabelsFrom("parent")):
            layout = Layout({"path": "key"}, MEANT, labels_from=labels_from)
            found = list_manifest(str(tmp_path / name), parse_place("s3://bucket"), layout)
            if labels_from is None:
                bare = [replace(ref, label=None, split="unlabelled") for ref in expected]
                assert list(found) == bare, name
            else:
                assert list(found) == expected, name


def test_only_manifests_have_them_and_both_are_named(tmp_path, dataset, capsys):
    with pytest.raises(InputError, match=f"--size_column is for manifests, and {dataset} is none"):
        list_images(str(dataset), None, LAYOUT)
    command = ["--input", str(dataset), "--table", str(tmp_path / "t"), "--size_column", "size"]
    assert main(command) == 2
    assert "name both" in capsys.readouterr().err
    (tmp_path / "m.csv").write_text("path,size\na.jpg,1\n")
    with pytest.raises(InputError, match="no column 'last_modified_date', which --modified_column"):
        list_images(str(tmp_path / "m.csv"), None, LAYOUT)


def test_a_file_that_changes_is_seen_when_the_manifest_tells(dataset, make_job, tmp_path):
    images = Path(shutil.copytree(dataset, tmp_path / "images"))
    paths = sorted(path.relative_to(images).as_posix() for path in images.rglob("*.png"))[:6]
    manifest = tmp_path / "m.parquet"

    def tell():
        found = [(images / path).stat() for path in paths]
        sizes = [each.st_size for each in found]
        times = pa.array([each.st_mtime_ns for each in found], pa.timestamp("ns", "UTC"))
        table = pa.table({"path": paths, "size": sizes, "last_modified_date": times})
        pq.write_table(table, manifest)

    for path in paths:
        os.utime(images / path, (1_700_000_000, 1_700_000_000))
    tell()
    job = make_job(manifest, tmp_path / "t", input_root=str(images), layout=LAYOUT)
    assert extract(job).counts["written"] == 6
    write_image(images / paths[0], seed=77)
    quiet = extract(job)
    assert (quiet.counts["present"], quiet.counts["hashed"]) == (6, 0)
    tell()
    assert extract(job).counts["replaced"] == 1
