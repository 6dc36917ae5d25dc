"""A file is written whole or not at all, and nothing else is touched."""

import os
import threading
from pathlib import Path

import pytest

from pipelines.drafts import _names_an_open_file, whole_file, write_whole


def test_a_file_is_written_and_readable_by_those_the_umask_lets(tmp_path):
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "a.json", b"text")
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").read_bytes() == b"text"
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_had_the_name_stays_where_the_work_fails(tmp_path):
    (tmp_path / "a.json").write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a.json") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert (tmp_path / "a.json").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "out").symlink_to("victim")
    write_whole(tmp_path / "out", b"new")
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert not (tmp_path / "out").is_symlink()


def test_no_draft_is_opened_that_is_there_already(tmp_path, monkeypatch):
    class Foreseen:
        hex = "0"

    monkeypatch.setattr("pipelines.drafts.uuid.uuid4", Foreseen)
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / ".draft-0").symlink_to("victim")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "out", b"new")
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert (tmp_path / ".draft-0").is_symlink()


def test_a_pipe_is_written_to_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", b"text")
    reader.join()
    assert read == [b"text"]
    assert (tmp_path / "pipe").is_fifo()


def test_what_this_process_has_open_is_written_behind_what_it_holds(tmp_path):
    """As `/dev/stdout` is, where it leads to a file; in its folder no draft can take its name."""
    with (tmp_path / "out").open("wb") as file:
        file.write(b"before ")
        file.flush()
        write_whole(Path(f"/proc/self/fd/{file.fileno()}"), b"text")
    assert (tmp_path / "out").read_bytes() == b"before text"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/null"])
def test_names_of_open_files(name):
    assert _names_an_open_file(Path(name))


@pytest.mark.parametrize("name", ["/dev/shm/a", "/var/a", "a", "/devices"])
def test_other_names(name):
    assert not _names_an_open_file(Path(name))


def test_a_file_that_takes_a_pipe_s_place_keeps_what_it_holds(tmp_path, monkeypatch):
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "pipe").symlink_to("victim")
    monkeypatch.setattr(Path, "is_file", lambda self: False)  # as it was when it was a pipe
    with pytest.raises(FileExistsError, match="took the place of a pipe"):
        write_whole(tmp_path / "pipe", b"text")
    assert (tmp_path / "victim").read_bytes() == b"precious"
