"""Files of a few hundred kilobytes that hold gigabytes: read a little at a time."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.table.change import Change, TableState
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.receipts import Receipt, RowDigest, receipt_to_json
from pipelines.table.schema import FEATURE_SCHEMA, FEATURE_TYPE, RECEIPT_KEY
from pipelines.table.storage import open_storage
from tests.conftest import ROOT
from tests.pipelines.table.trees import contract

pytestmark = pytest.mark.faults

LENGTH = 8_192
ROWS = 16_384
MOST_MIB = 600

WORK = """
import sys
from pipelines import describe, forget, tidy, verify
from pipelines.table.feature_table import FeatureTable
from pipelines.table.inspection import inspect_file
from classifiers.data.dataset import stream_split
from tests.memory import own_peak
table, path, what = sys.argv[1:]
before = own_peak()
if what == "inspect":
    inspect_file(FeatureTable.open(table).storage, path)
elif what == "train":
    assert sum(len(f) for _, f in stream_split(FeatureTable.open(table), "train")) == 16_384
else:
    command, *options = what.split(" ")
    status = globals()[command].main(["--table", table, *options])
    assert status == 0, status
print(own_peak())
"""


@pytest.fixture(scope="module")
def bomb(tmp_path_factory):
    """A table whose one file is small, and of one row group of half a GB of features."""
    folder = tmp_path_factory.mktemp("bomb") / "table"
    storage = open_storage(str(folder))
    path = "data/20200101T000000000-aaaaaaaa-000000-bbbbbbbb.parquet"
    step = 1_024
    values = pa.array(np.zeros(step * LENGTH, np.float32))
    offsets = pa.array(np.arange(step + 1, dtype=np.int32) * LENGTH)
    part = pa.ListArray.from_arrays(offsets, values, type=FEATURE_TYPE)
    columns = {
        "image_id": [f"{row:06d}" for row in range(ROWS)],
        "copy": [0] * ROWS,
        "label": ["cat"] * ROWS,
        "split": ["train"] * ROWS,
        "features": pa.chunked_array([part] * (ROWS // step)),  # the same memory each time
        "sha256": ["0"] * ROWS,
    }
    nothing = dict.fromkeys(("uri", "bytes", "modified", "width", "height"), [None] * ROWS)
    rows = pa.table(
        {name: (columns | nothing)[name] for name in FEATURE_SCHEMA.names}, schema=FEATURE_SCHEMA
    )
    digest = RowDigest()
    digest.add(rows)
    run, text = "20200101T000000000-aaaaaaaa", contract().canonical_json()
    receipt = Receipt(run, "000000", "train", ROWS, text, (LENGTH,), "none", digest.hexdigest(), ())
    rows = rows.replace_schema_metadata({RECEIPT_KEY: receipt_to_json(receipt)})
    pq.write_table(rows, folder / path, row_group_size=ROWS, compression="zstd")
    assert pq.read_metadata(folder / path).num_row_groups == 1
    assert (folder / path).stat().st_size < 1_500_000
    state = TableState(str(folder), None, contract(), (LENGTH,), EMPTY_KEYS)
    commit_change(state, Change([inspect_file(storage, path)], [], {"run": "r"}))
    return folder, path


@pytest.mark.parametrize(
    "what",
    [
        "inspect",
        "train",
        "describe",
        "verify --sample 0",
        "tidy --retention_days 0",
        "forget --image_id 000000",
    ],
)
def test_no_command_takes_memory_for_what_a_file_claims_to_hold(bomb, what):
    table, path = bomb
    command = [sys.executable, "-c", WORK, str(table), path, what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    peak = int(done.stdout.split()[-1]) // 1024
    print(f"{what}: {peak} MiB")
    assert peak < MOST_MIB
