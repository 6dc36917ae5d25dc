"""A small table, written by hand, and folders around it full of what is not the table's."""

import hashlib
import json
import os
import shutil
from functools import cache
from pathlib import Path

import numpy as np
from deltalake import DeltaTable

from pipelines.planning.job import FeatureChoice, make_contract
from pipelines.records import FeatureBlock, ImageRef, SourceImage
from pipelines.table.change import Change, TableState
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.names import data_file_name, new_run_id
from pipelines.table.receipts import Receipt
from pipelines.table.storage import open_storage

LENGTH = 8
IMAGES = tuple(f"train/{label}/{number}.jpg" for label in ("cat", "dog") for number in range(3))
"""Two of them a file, and so a version."""

LONG_AGO = 1_600_000_000


@cache
def contract():
    """What an extraction with no options makes; ImageNet's weights are known without loading."""
    return make_contract(FeatureChoice())


def write_images(folder: Path, names=IMAGES) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def source(folder: Path, name: str, copy: int = 0) -> SourceImage:
    data = name.encode()
    label = name.split("/")[1]
    ref = ImageRef(name, str(folder / name), label, "train", len(data), 1, 1, copy)
    return SourceImage(ref, hashlib.sha256(data).hexdigest(), len(data), 1, 1)


def write_file(table: Path, sources, **changes: object) -> str:
    """A finished file of some rows; returns its path."""
    run, storage = new_run_id(), open_storage(str(table))
    path = data_file_name(run, "000000")
    values = {
        "run": run,
        "shard": "000000",
        "split": "train",
        "rows": 0,
        "contract": contract().canonical_json(),
        "feature_shape": (LENGTH,),
        "engine": "none",
        "digest": "",
        "failures": (),
    }
    with FeatureFileWriter(storage, path, contract()) as writer:
        features = np.arange(len(sources) * LENGTH, dtype=np.float32).reshape(-1, LENGTH)
        writer.write(FeatureBlock(sources, features))
        writer.close(Receipt(**(values | changes)))
    return path


def add_files(table: Path, paths, removed=()) -> None:
    storage = open_storage(str(table))
    opened = FeatureTable.open_if_exists(str(table))
    state = TableState(str(table), None, contract(), (LENGTH,), EMPTY_KEYS)
    if opened is not None:
        state = opened.state(opened.names())
    files = [inspect_file(storage, path) for path in paths]
    commit_change(state, Change(files, list(removed), {"run": "r"}))


def write_table(table: Path, images: Path) -> FeatureTable:
    """A table of `IMAGES`, after commits of ours and compactions of Delta's own.

    Live are a file of Delta's and one of ours; older versions hold others of both kinds.
    """
    for names in (IMAGES[:2], IMAGES[2:4]):
        add_files(table, [write_file(table, [source(images, name) for name in names])])
        if FeatureTable.open(str(table)).version > 1:
            DeltaTable(str(table)).optimize.compact()
    add_files(table, [write_file(table, [source(images, name) for name in IMAGES[4:5]])])
    DeltaTable(str(table)).optimize.compact()
    add_files(table, [write_file(table, [source(images, name) for name in IMAGES[5:]])])
    age(table)
    return FeatureTable.open(str(table))


def age(folder: Path) -> None:
    """Make everything in a folder look old; links are not followed."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.utime(Path(parent, name), (LONG_AGO, LONG_AGO), follow_symlinks=False)


def respell(table: Path, change) -> None:
    """Change how the log spells paths: `change` gives the new spelling of an old one."""
    for log in sorted((table / "_delta_log").glob("*.json")):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for line in lines:
            for action in ("add", "remove"):
                if line.get(action):
                    line[action]["path"] = change(line[action]["path"])
        log.write_text("\n".join(map(json.dumps, lines)))


def edit_log(table: Path, version: int, change) -> None:
    """Change the actions of one commit in place; `change` gets each line as a dictionary."""
    log = table / f"_delta_log/{version:020d}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        change(line)
    log.write_text("\n".join(map(json.dumps, lines)))


def tree(folder: Path) -> dict[str, object]:
    """All that lies below a folder: bytes of files, targets of links, None for folders."""
    found: dict[str, object] = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            key = str(path.relative_to(folder))
            if path.is_symlink():
                found[key] = ("link", str(path.readlink()))
            else:
                found[key] = path.read_bytes() if path.is_file() else None
    return found


def rows(table: Path) -> dict[str, list[float]]:
    """Features by image id."""
    opened = FeatureTable.open(str(table))
    data = opened.dataset().to_table(columns=["image_id", "features"]).to_pylist()
    assert len(data) == len({row["image_id"] for row in data})
    return {row["image_id"]: row["features"] for row in data}


def copy(table: Path, where: Path) -> Path:
    shutil.copytree(table, where, symlinks=True)
    return where
