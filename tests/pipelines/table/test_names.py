import time

import pytest

from pipelines.table.names import UNKNOWN_RUN, new_run_id, oldest_run, run_began, run_of_path


def test_a_run_s_name_tells_when_it_began():
    before = time.time()
    run = new_run_id()
    assert before - 1 < run_began(run) / 1e6 <= time.time()
    assert run_of_path(f"data/{run}-000001-abcdef01.parquet") == run
    assert new_run_id() != run


def test_names_sort_by_time():
    first = new_run_id()
    time.sleep(0.002)
    assert first < new_run_id()


@pytest.mark.parametrize("name", ["", "x", "part-00000-123.snappy", "20261399T000000000-aaaaaaaa"])
def test_what_is_no_run_began_never(name):
    assert run_began(name) == 0
    assert run_of_path(f"data/{name}-000000-aaaaaaaa.parquet") == ""


def test_copies_are_as_old_as_the_oldest_row():
    old, new = "20200101T000000000-aaaaaaaa", "20260101T000000000-bbbbbbbb"
    paths = [f"data/{run}-000000-cccccccc.parquet" for run in (new, old)]
    assert oldest_run(paths) == old
    assert oldest_run([*paths, "part-00000-1234.zstd.parquet"]) == UNKNOWN_RUN
    assert run_began(UNKNOWN_RUN) == 0
