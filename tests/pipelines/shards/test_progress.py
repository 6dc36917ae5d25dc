import io
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.shards import progress
from pipelines.shards.progress import BatchesDone, ProgressFile, ProgressWatch


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def fileno(self):
        raise OSError("not a real terminal")


def test_counts_of_many_workers_add_up(tmp_path):
    file = ProgressFile(str(tmp_path / "progress"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: file.add(3, i % 2), range(200)))
    assert file.read_from(0)[:2] == (600, 100)


def test_a_half_written_line_waits(tmp_path):
    path = tmp_path / "progress"
    path.write_bytes(b"3 0\n4 1\n5")
    done, failed, offset = ProgressFile(str(path)).read_from(0)
    assert (done, failed, offset) == (7, 1, 8)


def test_a_folder_that_is_gone_costs_the_display_only(tmp_path):
    file = ProgressFile(str(tmp_path / "gone/progress"))
    file.add(1, 0)
    (tmp_path / "gone").mkdir()
    source = BatchesDone(file)
    file.add(2, 1)
    assert source.poll() == (2, 1)
    (tmp_path / "gone/progress").unlink()
    assert source.poll() == (0, 0)


def test_lines_where_there_is_no_terminal(tmp_path):
    file, stream = ProgressFile(str(tmp_path / "progress")), io.StringIO()
    with ProgressWatch(BatchesDone(file), total=10, stream=stream):
        file.add(7, 3)
    assert re.search(
        r"10 of 10 images, [\d.]+ images/s, 0 s left, 3 failures\n$", stream.getvalue()
    )


def test_a_bar_on_a_terminal(tmp_path):
    file, stream = ProgressFile(str(tmp_path / "progress")), Terminal()
    with ProgressWatch(BatchesDone(file), total=10, stream=stream):
        file.add(7, 3)
    assert "10/10" in stream.getvalue()
    assert "failures=3" in stream.getvalue()


class Stuck:
    """Something of which two images were done and then none for a while."""

    def __init__(self, polls: int) -> None:
        self.polls, self.left = 0, polls

    def poll(self) -> tuple[int, int]:
        self.polls += 1
        return (0, 0) if 1 < self.polls <= self.left else (1, 0)


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_a_run_in_which_nothing_is_finished_says_so_again_and_again(stream, monkeypatch):
    monkeypatch.setattr(progress, "STILL_SECONDS", 0.05)
    source = Stuck(polls=1_000_000)
    with ProgressWatch(source, total=10, poll_seconds=0.001, stream=stream):
        end = time.monotonic() + 10
        while stream.getvalue().count("nothing was finished") < 3 and time.monotonic() < end:
            time.sleep(0.005)
    told = [line for line in re.split("[\r\n]", stream.getvalue()) if "nothing was" in line]
    assert len(told) >= 3
    assert all("the same command goes on from them" in line for line in told)


def test_a_run_that_goes_on_is_not_called_stuck(monkeypatch):
    monkeypatch.setattr(progress, "STILL_SECONDS", 0.2)
    stream = io.StringIO()
    with ProgressWatch(Stuck(polls=3), total=10, poll_seconds=0.01, stream=stream):
        time.sleep(0.5)
    assert "nothing was finished" not in stream.getvalue()
