import io
import re
from concurrent.futures import ThreadPoolExecutor

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
