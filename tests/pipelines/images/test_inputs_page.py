"""Every row of docs/inputs.md, tried: what it says people have is made, and listed as it says."""

import argparse
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pipelines.images.layout_options import add_layout_options, layout_of
from pipelines.images.listing import list_images
from pipelines.records import ImageRef, labels_of
from tests.conftest import ROOT
from tests.pipelines.images.people_have import (
    BOTH,
    CLASSES,
    JPEG,
    LABELS,
    SAID,
    csv,
    delta_bytes,
    delta_paths,
    files,
    hugging_face_files,
    hugging_face_folder,
    list_below_root,
    packed_csv,
    photos,
    plain_column,
    sample,
    several,
    several_a_sample,
    shards,
    spark,
    store_report,
    tar,
    text,
    zip_file,
)


def both(ref: ImageRef) -> tuple[str, str | None]:
    return ref.split, ref.label


def labels(ref: ImageRef) -> tuple[str, ...] | None:
    return labels_of(ref.label)


def label(ref: ImageRef) -> str | None:
    return ref.label


@dataclass(frozen=True)
class Case:
    """What somebody has, what they say, and what is found of each image."""

    make: Callable[[], object]
    options: str
    found: dict[str, object]
    of: Callable[[ImageRef], object] = label


def below(folder: str, found: dict[str, str]) -> dict[str, object]:
    return {f"{folder}/{name}": value for name, value in found.items()}


PHOTOS = below("photos", LABELS)
LIST = "--input list.csv"

PAGE: dict[str, list[Case]] = {
    "a folder `split/label/image`, `label/image`, or flat": [
        Case(photos, "--input photos", SAID, both),
        Case(lambda: files("photos/cat/1.jpg"), "--input photos", {"cat/1.jpg": "cat"}),
        Case(lambda: files("photos/1.jpg"), "--input photos", {"1.jpg": None}),
    ],
    "a manifest: CSV, JSON lines or Parquet with a column `path`": [
        Case(lambda: csv("path,label"), LIST, PHOTOS),
        Case(list_below_root, f"{LIST} --input_root photos", SAID, both),
    ],
    "a manifest whose columns have other names": [
        Case(lambda: csv("file,kind"), f"{LIST} --path_column file --label_column kind", PHOTOS)
    ],
    "a CSV from a spreadsheet (semicolons, tabs, UTF-16), or packed by gzip": [
        Case(lambda: csv("path;label", separator=";"), LIST, PHOTOS),
        Case(lambda: csv("Path\tLabel ", separator="\t", encoding="utf-16"), LIST, PHOTOS),
        Case(packed_csv, "--input list.csv.gz", PHOTOS),
    ],
    "columns `file_name`, `filename`, `image`, `filepath`; `class`, `category`, `target`": [
        Case(lambda path=path, kind=kind: csv(f"{path},{kind}"), LIST, PHOTOS)
        for path, kind in [
            ("file_name", "class"),
            ("filename", "category"),
            ("image", "target"),
            ("filepath", "class"),
        ]
    ],
    "a JSON array, or an object a line": [
        Case(
            lambda: (
                files("photos/1.jpg"),
                text("list.json", '[{"path": "photos/1.jpg", "label": "cat"}]'),
            ),
            "--input list.json",
            {"photos/1.jpg": "cat"},
        ),
        Case(
            lambda: (
                files("photos/1.jpg"),
                text("list.jsonl", '{"path": "photos/1.jpg", "label": 1}\n'),
            ),
            "--input list.jsonl",
            {"photos/1.jpg": "1"},
        ),
    ],
    "a list of paths without a header": [
        Case(
            lambda: (photos(), text("list.txt", "\n".join(BOTH))),
            "--input list.txt --input_root photos --labels_from parent",
            {"train/cat/1.jpg": "cat", "test/dog/2.jpg": "dog"},
        )
    ],
    "a Hugging Face folder with `metadata.csv`, `.jsonl` or `.parquet`": [
        Case(
            lambda name=name: hugging_face_folder(f"metadata.{name}"),
            "--input folder",
            dict(LABELS),
        )
        for name in ("csv", "jsonl", "parquet")
    ],
    "Kaggle's `train/cat.0.jpg`": [
        Case(
            lambda: files("photos/train/cat.0.jpg", "photos/train/dog.0.jpg"),
            "--input photos --labels_from 'filename:^[a-z]+'",
            {"train/cat.0.jpg": ("train", "cat"), "train/dog.0.jpg": ("train", "dog")},
            both,
        )
    ],
    "`2024/may/cat/1.jpg`, `cat/2024/may/1.jpg`": [
        Case(
            lambda: files("photos/2024/may/cat/1.jpg", "photos/2024/may/dog/1.jpg"),
            "--input photos --labels_from parent",
            {"2024/may/cat/1.jpg": "cat", "2024/may/dog/1.jpg": "dog"},
        ),
        Case(
            lambda: files("photos/cat/2024/may/1.jpg"),
            "--input photos --labels_from folder",
            {"cat/2024/may/1.jpg": "cat"},
        ),
    ],
    "splits called `val`, `dev`, `Training`, `train2017`": [
        Case(
            lambda name=name: files(f"photos/{name}/cat/1.jpg"),
            "--input photos",
            {f"{name}/cat/1.jpg": (split, "cat")},
            both,
        )
        for name, split in [
            ("val", "validation"),
            ("dev", "validation"),
            ("Training", "train"),
            ("train2017", "train"),
        ]
    ],
    "files without an image's suffix": [
        Case(lambda: files("photos/cat/1"), "--input photos --any_suffix", {"cat/1": "cat"})
    ],
    "several images of one patient, product or video": [
        Case(lambda: csv("path,group"), LIST, PHOTOS, lambda ref: ref.group),
        Case(
            lambda: csv("path,patient_id"),
            f"{LIST} --group_column patient_id",
            PHOTOS,
            lambda ref: ref.group,
        ),
    ],
    "several labels an image, as lists": [
        Case(
            several, "--input list.json --label_column tags", {"1.jpg": ("cat", "indoors")}, labels
        )
    ],
    "several labels an image, as `cat\\|indoors`": [
        Case(
            lambda: csv("path,label", name="list.csv"),
            f"{LIST} --label_separator '|'",
            below("photos", {name: (kind,) for name, kind in CLASSES}),
            labels,
        )
    ],
    "classes of a few images": [
        Case(
            lambda: files(*(f"photos/cat/{number}.jpg" for number in range(3))),
            "--input photos --split_by stratified",
            {"cat/0.jpg": "test", "cat/1.jpg": "validation", "cat/2.jpg": "train"},
            lambda ref: ref.split,
        )
    ],
    "a tar archive": [
        Case(
            lambda: tar("photos.tar", *((name, JPEG) for name in BOTH)),
            "--input photos.tar",
            SAID,
            both,
        )
    ],
    "WebDataset's shards": [
        Case(
            shards,
            '--input "shards-{000..009}.tar"',
            {f"{number}.jpg": f"class {number}" for number in range(1, 11)},
        ),
        Case(shards, '--input "shards/*.tar"', dict(LABELS)),
        Case(shards, "--input shards", dict(LABELS)),
    ],
    "… with labels beside images, in `.cls`": [Case(shards, "--input shards", dict(LABELS))],
    "… with labels in `.txt`, or in a field of `.json`": [
        Case(
            lambda: tar("shards/0.tar", *sample("1", txt="cat")),
            "--input shards --label_column txt",
            {"1.jpg": "cat"},
        ),
        Case(
            lambda: tar("shards/0.tar", *sample("1", json='{"category": "cat", "split": "val"}')),
            "--input shards --label_column json.category --split_column json.split",
            {"1.jpg": ("validation", "cat")},
            both,
        ),
    ],
    "… with several images a sample": [
        Case(
            several_a_sample,
            "--input shards --path_column input.png",
            {"1.input.png": None, "2.input.png": None},
        )
    ],
    "a zip file, as Kaggle has them": [Case(zip_file, "--input photos.zip", SAID, both)],
    "Parquet or Arrow files of Hugging Face's `datasets`, as a file, a folder (`save_to_disk`, "
    "a clone of the Hub's) or a pattern": [
        Case(
            hugging_face_files,
            options,
            {name: ("train", kind) for name, kind in CLASSES},
            both,
        )
        for options in ("--input data", '--input "data/train-*.parquet"')
    ],
    "Spark's `binaryFile` or images as Parquet": [
        Case(spark, "--input folder", below("file:/x", LABELS)),
        Case(spark, "--input folder --label_column label", below("file:/x", LABELS)),
    ],
    "any Parquet or Arrow file with the bytes in a column": [
        Case(
            plain_column,
            "--input x.parquet --path_column jpeg --id_column key --label_column class",
            {"1": "cat", "2": "dog"},
        )
    ],
    "a Delta table of paths, or of images' bytes": [
        Case(delta_paths, "--input table --input_version 3 --input_root photos", SAID, both),
        Case(delta_bytes, "--input table --id_column id", dict(LABELS)),
    ],
    "a report of a store's inventory (below)": [
        Case(
            store_report,
            "--input report.parquet --input_root s3://bucket --path_column key --size_column size "
            "--modified_column last_modified_date --labels_from parent",
            {
                "photos/cat/1.jpg": (17, 1_709_209_815_250_000),
                "photos/dog/2.jpg": (19, 1_709_209_815_250_000),
            },
            lambda ref: (ref.bytes, ref.modified),
        ),
    ],
    "a list of URLs": [
        Case(
            lambda: text("urls.csv", "path,label\nhttps://example.org/1.jpg,cat\n"),
            "--input urls.csv",
            {"https://example.org/1.jpg": "cat"},
        )
    ],
    "… on a server of a private network": [
        Case(
            lambda: text("urls.csv", "path,label\nhttp://10.0.0.1/1.jpg,cat\n"),
            "--input urls.csv --allow_private_hosts",
            {"http://10.0.0.1/1.jpg": "cat"},
        )
    ],
    "a folder a day with the same names in each": [
        Case(
            lambda: files("photos/cat/1.jpg"),
            "--input photos --id_prefix 2026-11-27/",
            {"2026-11-27/cat/1.jpg": "cat"},
        )
    ],
}


def rows() -> dict[str, str]:
    """The page's table: what people have, and what to say."""
    page = (ROOT / "docs/inputs.md").read_text(encoding="utf-8").split("\n## ")[0]
    cells = re.findall(r"^\| (.+?[^\\]) \| (.+) \|$", page, re.MULTILINE)
    return {have: say for have, say in cells if have not in ("what you have", "---")}


def test_every_row_is_tried_with_what_it_says():
    said = rows()
    assert said.keys() == PAGE.keys()
    for have, say in said.items():
        tried = " ".join(case.options for case in PAGE[have])
        for option in re.findall(r"`(--[^`]+)`", say.replace(r"\|", "|")):
            assert option in tried, f"{have}: {option}"


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{have}-{number}")
        for have, cases in PAGE.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_row_lists_what_it_promises(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case.make()
    parser = argparse.ArgumentParser()
    parser.add_argument("--input")
    add_layout_options(parser)
    options = parser.parse_args(shlex.split(case.options))
    refs = list_images(options.input, options.input_root, layout_of(options))
    assert {ref.image_id: case.of(ref) for ref in refs} == case.found
