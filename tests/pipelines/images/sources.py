"""The same images in every form that an input may have: what the tests of all sources begin with.

A form takes a folder `split/label/image` and a place to write to, and gives the input's location.
"""

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.columns import write


def images_of(folder: Path) -> list[str]:
    """The names of a folder's images, relative to it."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def rows_of(folder: Path) -> list[dict[str, str]]:
    """A manifest's rows for a folder's images."""
    return [
        {"path": name, "split": name.split("/")[0], "label": name.split("/")[1]}
        for name in images_of(folder)
    ]


def as_folder(folder: Path, _: Path) -> str:
    return str(folder)


def as_csv(folder: Path, place: Path) -> str:
    with (place / "m.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "path", "split", "label"])
        writer.writeheader()
        writer.writerows(_named(folder))
    return str(place / "m.csv")


def as_json_lines(folder: Path, place: Path) -> str:
    lines = (json.dumps(row) for row in _named(folder))
    (place / "m.jsonl").write_text("\n".join(lines), "utf-8")
    return str(place / "m.jsonl")


def as_parquet(folder: Path, place: Path) -> str:
    pq.write_table(pa.Table.from_pylist(_named(folder)), place / "m.parquet")
    return str(place / "m.parquet")


def _named(folder: Path) -> list[dict[str, str]]:
    rows = rows_of(folder)
    return [{**row, "id": row["path"], "path": str(folder / row["path"])} for row in rows]


def as_tar(folder: Path, place: Path) -> str:
    with tarfile.open(place / "all.tar", "w") as archive:
        for name in images_of(folder):
            archive.add(folder / name, arcname=f"./{name}")
    return str(place / "all.tar")


def as_shards(folder: Path, place: Path) -> str:
    """Three archives, each with every third image, in a folder of their own."""
    (place / "shards").mkdir(exist_ok=True)
    for number in range(3):
        with tarfile.open(place / f"shards/part-{number:03}.tar", "w") as archive:
            for name in images_of(folder)[number::3]:
                archive.add(folder / name, arcname=name)
    return str(place / "shards/part-{000..002}.tar")


def as_web_dataset(folder: Path, place: Path) -> str:
    """As WebDataset has them: a sample's members share a key; split and label are in JSON."""
    (place / "web").mkdir(exist_ok=True)
    with tarfile.open(place / "web/0.tar", "w") as archive:
        for row in rows_of(folder):
            key = row["path"].rpartition(".")[0]
            said = {"split": row["split"], "label": row["label"], "caption": "a picture"}
            _add(archive, f"{key}.json", json.dumps(said).encode())
            _add(archive, row["path"], (folder / row["path"]).read_bytes())
            _add(archive, f"{key}.cls", row["label"].encode())
    return str(place / "web")


def as_zip(folder: Path, place: Path) -> str:
    with zipfile.ZipFile(place / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in images_of(folder):
            archive.write(folder / name, name)
    return str(place / "all.zip")


def as_column(folder: Path, place: Path) -> str:
    """The bytes in a column, in an order that is none of the ids."""
    rows = rows_of(folder)
    rows = rows[1::2] + rows[::2]
    columns = {
        "image": [(folder / row["path"]).read_bytes() for row in rows],
        "id": [row["path"] for row in rows],
        **{name: [row[name] for row in rows] for name in ("label", "split")},
    }
    return str(write(pa.table(columns), place / "all.parquet"))


def as_arrow_files(folder: Path, place: Path) -> str:
    """As `datasets` saves them: streams in a folder, structs of bytes and path."""
    rows = rows_of(folder)
    for number in range(2):
        some = rows[number::2]
        struct = [
            {"bytes": (folder / row["path"]).read_bytes(), "path": row["path"]} for row in some
        ]
        said = {name: [row[name] for row in some] for name in ("label", "split")}
        write(pa.table({"image": struct, **said}), place / f"saved/data-{number}.arrow")
    return str(place / "saved")


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


FORMS: dict[str, Callable[[Path, Path], str]] = {
    "folder": as_folder,
    "csv": as_csv,
    "json lines": as_json_lines,
    "parquet": as_parquet,
    "tar": as_tar,
    "shards": as_shards,
    "web dataset": as_web_dataset,
    "zip": as_zip,
    "column": as_column,
    "arrow files": as_arrow_files,
}
