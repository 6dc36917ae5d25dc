"""A small table whose log, pins and receipts are mutated, and the commands that must bear it."""

import contextlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow.parquet as pq

import classifiers
from pipelines import describe, forget, tidy, verify
from pipelines.driver import extract
from pipelines.errors import FrozenFeaturesError
from pipelines.planning.job import ExtractJob
from pipelines.table.schema import RECEIPT_KEY
from tests.pipelines.table.trees import (
    IMAGES,
    copy,
    source,
    write_file,
    write_images,
    write_table,
)

PIN = b'{"version": 2, "model": "/models/cats"}'

VALUES = [
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, 1e300, -0.5, "", "x", "9" * 40, "é", "\ud800"),
    *([], {}, [[]], [None], {"a": None}, "[]", "{}", "null", "[1]", "NaN", "../../x", "data/./x"),
    *("file:///etc/passwd", "%2e%2e/x", "a\0b", "true", '{"split": 5}', '{"numRecords": "x"}'),
]

folder = Path(tempfile.mkdtemp())
images = write_images(folder / "images")
write_table(folder / "seed", images)
planted = write_file(folder / "seed", [source(images, "train/cat/new.jpg")])
write_images(images, ["train/cat/new.jpg"])
table = folder / "table"

logs = sorted((folder / "seed/_delta_log").glob("*.json"))
receipt = pq.read_metadata(folder / "seed" / planted).metadata[RECEIPT_KEY]

Taken = Callable[[], int]


def _load() -> int:
    try:
        classifiers.load(str(table))
    except (FrozenFeaturesError, OSError):
        return 1
    return 0


def _extract() -> int:
    try:
        extract(ExtractJob(str(images), str(table), max_failures=1))
    except (FrozenFeaturesError, OSError):
        return 1
    return 0


COMMANDS: list[Taken] = [
    lambda: describe.main(["--table", str(table)]),
    lambda: verify.main(["--table", str(table), "--sample", "0"]),
    lambda: tidy.main(["--table", str(table), "--retention_days", "0"]),
    lambda: forget.main(["--table", str(table), "--image_id", IMAGES[0]]),
    _load,
    _extract,
]


def as_json(random: Random, line: bytes) -> bytes:
    """The same JSON with a value changed, a field left out or another's in its place."""
    try:
        value = json.loads(line)
    except ValueError:
        return line
    if not isinstance(value, dict | list):
        return json.dumps(random.choice(VALUES)).encode()
    holders = [value]
    for each in holders:
        inside = each.values() if isinstance(each, dict) else each
        holders += [held for held in inside if isinstance(held, dict | list) and held]
    holder = random.choice(holders)
    if not isinstance(holder, dict | list) or not holder:
        return json.dumps(random.choice(VALUES)).encode()
    place = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    held = holder[place]
    if random.random() < 0.2:
        del holder[place]
    elif isinstance(held, str) and held[:1] in ("{", "[") and random.random() < 0.7:
        holder[place] = as_json(random, held.encode()).decode()
    else:
        holder[place] = random.choice(VALUES)
    return json.dumps(value).encode()


def changed(random: Random, data: bytes, bytewise: Callable[[Random], bytes]) -> bytes:
    """A mutation of JSON lines, most of which are JSON still."""
    if random.random() < 0.2:
        return bytewise(random)
    lines = data.splitlines() or [b""]
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(lines))
        lines[place] = as_json(random, lines[place])
    return b"\n".join(lines)


def tried(plant: Callable[[bytes], object], data: bytes, random: Random) -> int:
    """Plant something into a new copy of the table, and run a command on it."""
    shutil.rmtree(table, ignore_errors=True)
    copy(folder / "seed", table)
    plant(data)
    number = random.randrange(len(COMMANDS))
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return 1 - min(COMMANDS[number](), 1)
    except BaseException:  # a panic of delta-rs is no Exception
        print(f"command {number} on {data!r}", file=sys.stderr)
        raise


def planted_receipt(data: bytes) -> None:
    """Give the finished file that no version holds another receipt."""
    rows = pq.read_table(table / planted)
    pq.write_table(rows.replace_schema_metadata({RECEIPT_KEY: data}), table / planted)


def planted_pin(data: bytes) -> None:
    """Add a note that a model was trained on some version."""
    (table / "_pins").mkdir()
    (table / "_pins/a.json").write_bytes(data)
