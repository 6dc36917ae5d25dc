"""The work of one Python on a folder: `python -m tests.pythons.work write|use FOLDER`.

`write` makes a table, models, predictions, and what a run leaves that died before its commit; `use`
opens all of that, most likely under another Python, and fails if anything is not as it was left.
"""

import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow.parquet as pq

from classifiers import evaluate, predict, train
from pipelines import extract, verify
from pipelines.commits import commit as committing
from pipelines.table.feature_table import FeatureTable
from tests.conftest import write_dataset, write_image

WEIGHTS = "--weights", "random:1"
BASE = *WEIGHTS, "--image_size", "32", "--engine", "keras"
HEADS = {"logistic": (), "dense": ("--epochs", "3", "--learning_rate", "1e-5")}
LATE = 4
"""Images that the run which died had extracted."""


def done(main, *arguments) -> None:
    """Run a command of the project, and expect it to succeed."""
    status = main([str(each) for each in arguments])
    assert status == 0, f"{main.__module__} ended with {status}"


def predictions(folder: Path, head: str, name: str):
    """What a model says of the table's test split: the rows by image."""
    output = folder / name
    model = "--model", folder / "models" / head
    done(predict.main, *model, "--table", folder / "table", "--split", "test", "--output", output)
    return pq.read_table(output).sort_by("image_id")


def measures(folder: Path, head: str) -> dict[str, float]:
    result = folder / "measures.json"
    model = "--model", folder / "models" / head
    done(evaluate.main, *model, "--table", folder / "table", "--json", result)
    return json.loads(result.read_text("utf-8"))


def write(folder: Path) -> None:
    images, table = folder / "images", folder / "table"
    write_dataset(images, {"train": 12, "validation": 4, "test": 4}, ("dark", "light"))
    job = "--input", images, "--table", table, *BASE
    done(extract.main, *job)
    for head, options in HEADS.items():
        model = "--model", folder / "models" / head
        done(train.main, "--table", table, "--head", head, *model, *options)
        predictions(folder, head, f"{head}.parquet")
        (folder / f"{head}.json").write_text(json.dumps(measures(folder, head)), "utf-8")

    for number in range(LATE):
        write_image(images / f"train/dark/late{number}.png", seed=number)
    with mock.patch.object(committing, "commit_change", side_effect=KeyboardInterrupt):
        assert extract.main([*map(str, job)]) == 130
    assert len(data_files(table)) > len(FeatureTable.open(str(table)).paths)


def data_files(table: Path) -> set[str]:
    return {str(path.relative_to(table)) for path in table.rglob("*.parquet")}


def use(folder: Path) -> None:
    images, table = folder / "images", folder / "table"
    for head in HEADS:
        before = pq.read_table(folder / f"{head}.parquet").sort_by("image_id")
        now = predictions(folder, head, f"{head}-now.parquet")
        assert now.schema.names == before.schema.names
        for column in now.schema.names:
            ours, theirs = (each.column(column).to_pylist() for each in (now, before))
            if isinstance(ours[0], float):
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
            else:
                assert ours == theirs, column
        was = json.loads((folder / f"{head}.json").read_text("utf-8"))
        assert measures(folder, head)["confusion"] == was["confusion"]

    # The run goes on where the other Python's died: its files enter the table as they are.
    left = data_files(table)
    write_image(images / "train/light/new.png", seed=99)
    result = folder / "extract.json"
    done(extract.main, "--input", images, "--table", table, *BASE, "--json", result)
    report = json.loads(result.read_text("utf-8"))
    assert (report["written"], report["attempted"]) == (LATE + 1, 1)
    entered = FeatureTable.open(str(table)).paths
    assert left <= {*entered}
    assert len({*entered} - left) == 1

    checked = folder / "verify.json"
    whole = "--input", images, "--sample", "all", *WEIGHTS, "--json", checked
    done(verify.main, "--table", table, *whole)
    assert json.loads(checked.read_text("utf-8"))["features"] == 2 * 20 + LATE + 1


if __name__ == "__main__":
    {"write": write, "use": use}[sys.argv[1]](Path(sys.argv[2]))
