"""What is told of a run at its turns: that it goes on, what is expected, how it ended."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.commits.run_gauges import RunGauges
from pipelines.commits.spending import Expected
from pipelines.metrics.outlet import Outlet


@pytest.fixture
def told(monkeypatch):
    """Every publication, as values by name."""
    kept: list[dict[str, float]] = []
    keep = lambda _, gauges: kept.append({each.name: each.value for each in gauges})  # noqa: E731
    monkeypatch.setattr(Outlet, "publish", keep)
    return kept


def gauges(**changes: object) -> RunGauges:
    outlet = replace(Outlet("extract", "t", Path("x.prom")), **changes)
    times = iter([100.0, 100.0, 160.0, 200.0, 200.0])
    return RunGauges(outlet, lambda: next(times))


def test_a_run_that_ends_well(told):
    run = gauges()
    with run.of_a_run():
        run.part_begins(Expected(50, 30.0, None), failures=2, waiting=80)
    began, part, end = told
    assert began == {
        "run_started_timestamp_seconds": 100,
        "run_active": 1,
        "run_progress_timestamp_seconds": 100,
        "part_expected_seconds": 0,
    }
    assert part == {
        "run_active": 1,
        "run_progress_timestamp_seconds": 160,
        "part_expected_seconds": 30,
        "run_failures": 2,
        "run_waiting": 80,
    }
    assert end == {
        "run_active": 0,
        "run_progress_timestamp_seconds": 200,
        "run_succeeded": 1,
        "run_ended_timestamp_seconds": 200,
        "run_last_success_timestamp_seconds": 200,
    }


def test_a_run_that_fails_leaves_the_last_success_as_it_was(told):
    with pytest.raises(KeyboardInterrupt), gauges().of_a_run():
        raise KeyboardInterrupt
    assert told[-1]["run_succeeded"] == 0
    assert told[-1]["run_active"] == 0
    assert "run_last_success_timestamp_seconds" not in told[-1]


def test_nobody_is_told_where_nobody_listens(told):
    run = gauges(file=None)
    with run.of_a_run():
        run.part_begins(Expected(50, None, None), failures=0, waiting=0)
    assert told == []
