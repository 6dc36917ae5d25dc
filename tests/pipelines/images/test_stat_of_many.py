"""Files that several processes are asked for are what one loop finds them to be."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.images import stat_of_many
from pipelines.images.stat_of_many import stat_numbers


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"é{number}.jpg" for number in range(40)]
    for number, path in enumerate(paths):
        path.write_bytes(b"x" * number)
        os.utime(path, ns=(number * 10**12, number * 10**12 + 1999))
    paths[7].unlink()
    paths[9].unlink()
    paths[9].symlink_to(paths[8])
    return [*map(str, paths), str(tmp_path / f"{'n' * 300}.jpg"), str(tmp_path / "\0")]


def _plainly(file: str) -> list[int]:
    try:
        found = os.lstat(file)
    except (OSError, ValueError):
        return [0, 0, 0, 0]
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode]


@pytest.fixture
def _three_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stat_of_many, "MANY", 1)
    monkeypatch.setattr(stat_of_many, "BLOCK", 3)
    monkeypatch.setattr(stat_of_many, "usable_cores", lambda: 3)


@pytest.mark.usefixtures("_three_processes")
def test_processes_find_what_a_loop_finds(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [file for file in files if "\0" not in file]
    expected = [*map(_plainly, names)]
    whole = pa.array(["left out", *names], pa.large_string())
    assert stat_numbers(whole[1:]).tolist() == expected
    # And where others do all of it.
    monkeypatch.setattr(stat_of_many, "usable_cores", lambda: 2)
    monkeypatch.setattr(stat_of_many, "_next", _for_threads)
    monkeypatch.setattr(stat_of_many, "numbers_of", lambda _: pytest.fail("it asked by itself"))
    assert stat_numbers(whole[1:]).tolist() == expected


@pytest.mark.usefixtures("_three_processes")
def test_names_that_are_not_utf_8_are_asked_for_by_their_bytes(tmp_path: Path) -> None:
    names = [f"{tmp_path}/".encode() + b"caf\xe9%d.jpg" % number for number in range(20)]
    for size, name in enumerate(names):
        Path(os.fsdecode(name)).write_bytes(b"x" * size)
    found = stat_numbers(pa.array(names, pa.large_binary()))
    assert found[:, 0].tolist() == [*range(20)]
    assert found.tolist() == [_plainly(os.fsdecode(name)) for name in names]


def _for_threads(waiting: list[int]) -> int | None:
    if threading.current_thread() is threading.main_thread():
        return None
    return waiting.pop() if waiting else None


def test_a_name_that_is_none_has_no_stat_data(files: list[str]) -> None:
    found = stat_numbers(pa.array(files, pa.large_string())).tolist()
    assert found == [*map(_plainly, files)]
    assert found[-2:] == [[0] * 4] * 2


@pytest.mark.usefixtures("_three_processes")
@pytest.mark.parametrize("trouble", ["none starts", "ends at once", "answers too little"])
def test_processes_that_fail_cost_nothing(
    files: list[str], trouble: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text("" if trouble == "ends at once" else "print('no', flush=True)")
    monkeypatch.setattr(stat_of_many.stat_process, "__file__", str(script))
    if trouble == "none starts":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    names = [file for file in files if "\0" not in file]
    assert stat_numbers(pa.array(names, pa.large_string())).tolist() == [*map(_plainly, names)]


@pytest.mark.usefixtures("_three_processes")
def test_an_interruption_leaves_no_process(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **options))  # type: ignore[call-overload]
        return started[-1]

    def interrupt(_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(stat_of_many, "numbers_of", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stat_numbers(pa.array([*files[:-1]] * 50, pa.large_string()))
    assert len(started) == 2
    assert all(each.poll() is not None for each in started)
