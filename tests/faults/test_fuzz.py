"""Random mutations of what others may write: an answer or a clean error, no crash, hang or hunger.

Mutated are images, archives and columns of them, manifests, model cards, and a table's log, pins
and receipts.

Each runs in a process of its own for FROZEN_FEATURES_FUZZ_SECONDS (3 if not set), so that a crash
is seen as one.
"""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.timeout(86_400)]

SECONDS = float(os.environ.get("FROZEN_FEATURES_FUZZ_SECONDS", "3"))
MEMORY_KIB = 700 * 1024
SLOWEST_SECONDS = 10.0

DECODER = """
import random, sys, time
from pipelines.images.decode import PixelSpec, decode_image
from pipelines.errors import ImageError
from tests.hostile import corpus
from tests.memory import own_peak

seeds = [file.data for file in corpus() if file.data]
spec = PixelSpec(32, "bilinear", "applied")

def attempt(data):
    try:
        assert decode_image(data, spec).pixels.shape == (32, 32, 3)
        return 1
    except ImageError:
        return 0
"""

MANIFESTS = """
import random, sys, time, tempfile, pathlib
import pyarrow as pa
from pyarrow import parquet
from pipelines.errors import InputError
from pipelines.images.listing import list_images
from tests.hostile import REFUSED, TAKEN
from tests.memory import own_peak

def as_parquet(**columns):
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()

lines = b'{"path": "a.png", "label": "cat"}\\n' * 3
packed = [
    as_parquet(path=["a.png", "b.png"], label=["cat", None]),
    as_parquet(path=pa.array(["a.png"]).dictionary_encode(), id=[1], other=[[1.5]]),
    as_parquet(path=[["a.png"]]),
]
# As many bytes of the one kind as of the other would leave Parquet to chance.
seeds = [*REFUSED.values(), *TAKEN.values(), lines, b"[" * 5000, *packed * 10]
folder = pathlib.Path(tempfile.mkdtemp())

def attempt(data):
    good = 0
    for suffix in (".csv", ".jsonl", ".parquet"):
        path = folder / f"m{suffix}"
        path.write_bytes(data)
        try:
            good += bool(list_images(str(path)))
        except InputError:
            pass
    return good
"""

PACKED = """
import contextlib, io, os, pathlib, random, sys, tarfile, tempfile, time, zipfile
from pipelines.errors import InputError
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images
from pipelines.stores.reading import read_bytes
from tests.memory import own_peak

folder = pathlib.Path(tempfile.mkdtemp())
os.environ["FROZEN_FEATURES_CACHE"] = str(folder / "cache")
members = {"a/0.jpg": b"0" * 99, "a/0.cls": b"7", "b/1.png": b"1" * 600}
members["a/0.json"] = b'{"label": 1}'

def as_tar(form):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for name, content in [*members.items(), ("deep/" * 30 + "2.jpg", b"2")]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()

def as_zip(method):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()

forms = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
seeds = [as_zip(zipfile.ZIP_STORED), as_zip(zipfile.ZIP_DEFLATED), *map(as_tar, forms)]

def attempt(data):
    path = folder / ("x.zip" if chance.random() < 0.4 else "x.tar")
    path.write_bytes(data)
    good = 0
    with contextlib.suppress(InputError):
        for ref in list_images(str(path), None, Layout(columns={"label": "json.label"})):
            with contextlib.suppress(OSError):
                read_bytes(ref.uri, 1 << 20)
                good = 1
    return good
"""

COLUMNS = """
import contextlib, pathlib, random, sys, tempfile, time
import pyarrow as pa
from pyarrow import ipc
from pipelines.errors import InputError
from pipelines.images.listing import list_images
from pipelines.stores.reading import read_bytes
from tests.columns import hugging_face, write
from tests.memory import own_peak

folder = pathlib.Path(tempfile.mkdtemp())
images = [(f"{number}.jpg", bytes([number]) * 50) for number in range(20)]
table = hugging_face(images, [0, 1] * 10, ["cat", "dog"])
table = table.append_column("split", pa.array(["a", "b"] * 10).dictionary_encode())
seeds = [write(table, folder / name).read_bytes() for name in ("0.parquet", "0.arrow", "0.feather")]
sink = pa.BufferOutputStream()
with ipc.new_stream(sink, table.schema, options=ipc.IpcWriteOptions(compression="lz4")) as writer:
    writer.write_table(table, max_chunksize=5)
seeds.append(sink.getvalue().to_pybytes())

def attempt(data):
    path = folder / ("x.parquet" if data[:4] == b"PAR1" else "x.arrow")
    path.write_bytes(data)
    good = 0
    with contextlib.suppress(InputError):
        for ref in list_images(str(path)):
            with contextlib.suppress(OSError):
                read_bytes(ref.uri, 1 << 20)
                good = 1
    return good
"""

CARDS = """
import contextlib, copy, json, pathlib, random, shutil, sys, tempfile, time
from random import Random
from classifiers.models.folder import load_model
from pipelines.errors import FrozenFeaturesError
from tests.conftest import ROOT
from tests.memory import own_peak

folder = pathlib.Path(tempfile.mkdtemp()) / "model"
shutil.copytree(ROOT / "tests/fixtures/f902a8d/models/logistic", folder)
seeds = [(folder / "card.json").read_bytes()]
odd = [None, True, -1, 2**70, 0.5, "", "x", chr(0xD800), [], {}, [None], ["a", "b"], {"a": {}}]

def with_odd_values(card, draw):
    for _ in range(draw.randint(1, 3)):
        place = card
        while True:
            name = draw.choice(sorted(place))
            if not isinstance(place[name], dict) or not place[name] or draw.random() < 0.3:
                break
            place = place[name]
        place[name] = copy.deepcopy(draw.choice(odd))
    return json.dumps(card).encode()

def attempt(data):
    draw = Random(data)
    text = data if draw.random() < 0.3 else with_odd_values(json.loads(seeds[0]), draw)
    (folder / "card.json").write_bytes(text)
    with contextlib.suppress(FrozenFeaturesError):
        load_model(folder).card.of_features().canonical_json()
        return 1
    return 0
"""

LOGS = """
import random, sys, time
from tests.faults.foreign_tables import changed, logs, table, tried
from tests.memory import own_peak

seeds = [log.read_bytes() for log in logs]

def attempt(_):
    log = chance.choice(logs)
    data = changed(chance, log.read_bytes(), mutated)
    return tried((table / "_delta_log" / log.name).write_bytes, data, chance)
"""

RECEIPTS = """
import random, sys, time
from tests.faults.foreign_tables import changed, planted_receipt, receipt, tried
from tests.memory import own_peak

seeds = [receipt]

def attempt(_):
    data = changed(chance, receipt, mutated)
    return tried(planted_receipt, data, chance)
"""

PINS = """
import random, sys, time
from tests.faults.foreign_tables import PIN, changed, planted_pin, tried
from tests.memory import own_peak

seeds = [PIN]

def attempt(_):
    data = changed(chance, PIN, mutated)
    return tried(planted_pin, data, chance)
"""

LOOP = """
def mutated(random):
    data = bytearray(random.choice(seeds))
    for _ in range(random.randint(1, 8)):
        kind = random.randrange(5)
        place = random.randrange(len(data) + 1)
        if kind == 0 and data:
            data[place % len(data)] = random.randrange(256)
        elif kind == 1:
            data[place:place] = random.randbytes(random.randint(1, 16))
        elif kind == 2:
            del data[place:place + random.randint(1, 64)]
        elif kind == 3:
            other = random.choice(seeds)
            start = random.randrange(len(other) + 1)
            data[place:place] = other[start:start + random.randint(1, 200)]
        else:
            data[place:place + 4] = random.choice([b"\\xff" * 4, b"\\0" * 4, b"\\x7f" * 4])
    return bytes(data)

chance = random.Random(20_251)
attempts = good = 0
slowest = 0.0
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    data = mutated(chance)
    started = time.process_time()  # a busy machine makes no input slow
    good += attempt(data)
    slowest = max(slowest, time.process_time() - started)
    attempts += 1
print(attempts, good, slowest, own_peak())
"""

TARGETS = {
    "decoder": (DECODER, 5),
    "manifests": (MANIFESTS, 5),
    "packed": (PACKED, 5),
    "columns": (COLUMNS, 5),
    "cards": (CARDS, 0.4),
    "logs": (LOGS, 0.4),
    "receipts": (RECEIPTS, 0.4),
    "pins": (PINS, 0.4),
}
"""By name, what is mutated, and attempts a second that are few on a busy machine."""


@pytest.mark.parametrize(("target", "fewest"), TARGETS.values(), ids=TARGETS)
def test_random_mutations(target, fewest):
    command = [sys.executable, "-c", target + LOOP, str(SECONDS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    tried, good, slowest, peak = done.stdout.split()
    print(
        f"{tried} tried, {good} taken, slowest {float(slowest):.2f} s, peak {int(peak) // 1024} MiB"
    )
    assert int(tried) > fewest * SECONDS
    assert int(good) > 0
    assert float(slowest) < SLOWEST_SECONDS
    assert int(peak) < MEMORY_KIB
