"""What people have, made in the working folder, for the test of docs/inputs.md."""

import gzip
import json
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

from tests.columns import write
from tests.hostile import encoded, picture

JPEG = encoded(picture("RGB", (8, 8)), "JPEG")
BOTH = ("train/cat/1.jpg", "test/dog/2.jpg")
SAID = {"train/cat/1.jpg": ("train", "cat"), "test/dog/2.jpg": ("test", "dog")}
CLASSES = [("1.jpg", "cat"), ("2.jpg", "dog")]
LABELS = {"1.jpg": "cat", "2.jpg": "dog"}


def files(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(JPEG)


def text(name: str, content: str, encoding: str = "utf-8") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content, encoding)


def photos() -> None:
    files(*(f"photos/{name}" for name in BOTH))


def csv(header: str, name: str = "list.csv", separator: str = ",", encoding: str = "utf-8") -> None:
    files(*(f"photos/{path}" for path, _ in CLASSES))
    lines = [header, *(f"photos/{path}{separator}{label}" for path, label in CLASSES)]
    text(name, "\n".join(lines), encoding)


def packed_csv() -> None:
    csv("path,label")
    Path("list.csv.gz").write_bytes(gzip.compress(Path("list.csv").read_bytes(), mtime=0))


def list_below_root() -> None:
    photos()
    text("list.csv", "path,label,split\ntrain/cat/1.jpg,cat,train\ntest/dog/2.jpg,dog,test\n")


def tar(name: str, *members: tuple[str, bytes]) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(name, "w") as archive:
        for member, content in members:
            Path("member").write_bytes(content)
            archive.add("member", member)


def sample(key: str, **parts: str) -> list[tuple[str, bytes]]:
    """A WebDataset's: an image, and texts beside it."""
    return [
        (f"{key}.jpg", JPEG),
        *((f"{key}.{kind}", said.encode()) for kind, said in parts.items()),
    ]


def shards() -> None:
    tar("shards/000.tar", *sample("1", cls="cat"))
    tar("shards/001.tar", *sample("2", cls="dog"))
    for number in range(1, 11):
        tar(f"shards-{number - 1:03}.tar", *sample(str(number), cls=f"class {number}"))


def several_a_sample() -> None:
    pairs = [(f"{key}.{end}", JPEG) for key in "12" for end in ("input.png", "mask.png")]
    tar("shards/000.tar", *pairs)


def zip_file() -> None:
    with zipfile.ZipFile("photos.zip", "w") as archive:
        for name in BOTH:
            archive.writestr(name, JPEG)


def structs() -> pa.Table:
    values = [{"bytes": JPEG, "path": path} for path, _ in CLASSES]
    return pa.table({"image": values, "label": ["cat", "dog"]})


def hugging_face_files() -> None:
    write(structs(), Path("data/train-00000-of-00001.parquet"))


def spark() -> None:
    for path, label in CLASSES:
        row = {"path": f"file:/x/{path}", "modificationTime": datetime.now(UTC), "length": 1}
        table = pa.Table.from_pylist([{**row, "content": JPEG}])
        write(table, Path(f"folder/label={label}/part-0.parquet"))


def plain_column() -> None:
    write(
        pa.table({"jpeg": [JPEG, JPEG], "key": ["1", "2"], "class": ["cat", "dog"]}),
        Path("x.parquet"),
    )


def delta_paths() -> None:
    photos()
    rows = {"path": list(BOTH), "label": ["cat", "dog"], "split": ["train", "test"]}
    for _ in range(5):
        write_deltalake("table", pa.table(rows), mode="overwrite")


def delta_bytes() -> None:
    rows = {"bytes": [JPEG, JPEG], "id": ["1.jpg", "2.jpg"], "label": ["cat", "dog"]}
    for _ in range(5):
        write_deltalake("table", pa.table(rows), mode="overwrite")


def hugging_face_folder(name: str) -> None:
    files(*(f"folder/{path}" for path, _ in CLASSES))
    rows = [{"file_name": path, "label": label} for path, label in CLASSES]
    place = Path("folder", name)
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(rows), place)
    elif name.endswith("jsonl"):
        place.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    else:
        place.write_text("file_name,label\n1.jpg,cat\n2.jpg,dog\n", "utf-8")


def several() -> None:
    files("1.jpg")
    text("list.json", '[{"path": "1.jpg", "tags": ["cat", "indoors"]}]')


def store_report() -> None:
    """As Amazon S3 Inventory has it, of objects that nobody asks for."""
    times = pa.array([1_709_209_815_250] * 2, pa.timestamp("ms", "UTC"))
    rows = {"bucket": ["bucket"] * 2, "key": ["photos/cat/1.jpg", "photos/dog/2.jpg"]}
    report = pa.table({**rows, "size": [17, 19], "last_modified_date": times, "e_tag": ["x", "y"]})
    pq.write_table(report, "report.parquet")
