"""Pipes, devices and links where a table's files should be: never waited for or followed."""

import os
import socket
from pathlib import Path

import pytest

from pipelines import describe, forget, tidy, verify
from pipelines.errors import TableError
from pipelines.records import Failure
from pipelines.table.failures import read_failures, record_failures
from pipelines.table.feature_table import FeatureTable
from tests.pipelines.table.trees import IMAGES, source

COMMANDS = [
    (describe, []),
    (verify, ["--sample", "0"]),
    (tidy, ["--retention_days", "0"]),
    (forget, ["--image_id", IMAGES[0]]),
]


def socket_at(path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(path.parent)  # the name of a socket may have 107 bytes
        bound.bind(path.name)
        os.chdir(here)


SPECIAL = {
    "pipe": os.mkfifo,
    "socket": socket_at,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize(
    "name",
    ["_last_checkpoint", f"{7:020d}.json", f"{3:020d}.json", f"{6:020d}.checkpoint.parquet"],
)
def test_a_log_holds_files(small, capsys, name, kind):
    (small / "_delta_log" / name).unlink(missing_ok=True)
    SPECIAL[kind](small / "_delta_log" / name)
    for command, options in COMMANDS:
        assert command.main(["--table", str(small), *options]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{name} is a" in line


def test_a_commit_that_lies_elsewhere_is_not_read(small, capsys):
    commit = small / f"_delta_log/{6:020d}.json"
    commit.rename(small.parent / "commit.json")
    commit.symlink_to(small.parent / "commit.json")
    assert describe.main(["--table", str(small)]) == 1
    assert "a link that leads out of the table's folder" in capsys.readouterr().err


def test_a_folder_in_the_place_of_a_commit_is_told_of(small, capsys):
    (small / f"_delta_log/{7:020d}.json").mkdir()
    (small / "_delta_log/_sidecars").mkdir()
    assert tidy.main(["--table", str(small)]) == 1
    assert f"{7:020d}.json is a folder, and no file of a log" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_data_files_are_files(small, capsys, kind):
    path = FeatureTable.open(str(small)).paths[0]
    (small / path).unlink()
    SPECIAL[kind](small / path)
    for command, options in COMMANDS:
        assert command.main(["--table", str(small), *options]) == 1
        said = capsys.readouterr()
        assert "is a pipe, a socket or a device; it is not read" in said.out + said.err


@pytest.mark.parametrize("name", ["_delta_log/_last_checkpoint", "data"])
def test_so_are_those_of_the_failures(small, name):
    ref = source(small, "train/cat/9.jpg").ref
    record_failures(str(small), [Failure(ref, None, "read", "OSError", "no", lasting=False)], "r")
    place = small / "_failures" / name
    if name == "data":
        (place,) = (small / "_failures").glob("part-*.parquet")
        place.unlink()
    os.mkfifo(place)
    with pytest.raises(TableError, match="is a pipe, a socket or a device"):
        read_failures(str(small))
