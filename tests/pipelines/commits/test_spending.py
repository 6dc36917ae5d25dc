"""What parts were expected to take and took, and when a run has to stop."""

import shutil
from dataclasses import asdict

import pytest

from pipelines.commits.spending import Allowance, Spending, Spent, total
from pipelines.driver import extract
from pipelines.extract import main
from pipelines.metrics.outlet import Outlet
from pipelines.shards.counters import Counted
from pipelines.table.costs import costs_of
from pipelines.table.description import describe_table
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_money_is_workers_times_hours_times_price():
    clock = Clock()
    spending = Spending(Allowance(price_per_hour=3.0), 4, 10.0, clock.now, clock)
    first = spending.expect(7200)  # at 4 x 10 a second: 180 s of 4 workers
    assert (first.images, first.seconds, first.money) == (7200, 180.0, 0.6)
    clock.now += 400
    spent = spending.took(7200, 360.0, Counted(cpu_seconds=1234.5, card_seconds=99.0))
    assert spent == Spent(7200, 400.0, 360.0, 20.0, 1234.5, 99.0, 4, 3.0, 1.333333)
    # From now on the run's own rate counts, 20 a second.
    assert spending.expect(1000).seconds == 50.0
    clock.now += 100
    both = total([spent, spending.took(2800, 140.0, Counted(cpu_seconds=0.5))])
    assert (both.images, both.seconds, both.images_per_second) == (10000, 500.0, 20.0)
    assert (both.cpu_seconds, both.card_seconds, both.money) == (1235.0, 99.0, 1.666666)


def test_nothing_is_expected_of_what_nobody_has_measured():
    spending = Spending(Allowance(price_per_hour=3.0), 4, None, 0.0, Clock())
    assert spending.expect(10).seconds is None
    assert spending.expect(10).money is None
    assert spending.expect(0).seconds == 0.0


@pytest.mark.parametrize(
    ("allowance", "seconds"),
    [
        (Allowance(), None),
        (Allowance(hours=0.5), 1800.0),
        (Allowance(budget=6.0, price_per_hour=4.0), 2700.0),  # of two workers
    ],
)
def test_a_part_begins_only_if_it_would_end_in_time(allowance, seconds):
    clock = Clock()
    spending = Spending(allowance, 2, 0.5, clock.now, clock)
    assert allowance.seconds(2) == seconds
    if seconds is None:
        clock.now += 1e9
        assert spending.allows(spending.expect(10**9).seconds)
        return
    clock.now += seconds - 100
    assert spending.allows(spending.expect(100).seconds)  # 100 s at one a second
    assert not spending.allows(spending.expect(101).seconds)


def test_a_run_stops_at_the_end_of_a_part_and_the_next_goes_on(
    dataset, make_job, tmp_path, monkeypatch
):
    images = tmp_path / "images"
    shutil.copytree(dataset / "test", images / "test")
    (images / "test/dark/bad.png").write_bytes(b"no image")
    job = make_job(images, tmp_path / "features", commit_every=11, hours=1.0, price_per_hour=2.0)
    told = iter([False])
    with monkeypatch.context() as patch:
        patch.setattr(Spending, "allows", lambda *_: next(told))
        report = extract(job, Outlet("extract", "features", tmp_path / "run.prom"))
    assert report.stopped
    told_of(report, tmp_path / "run.prom")
    assert report.counts["waiting"] == 10
    assert "10 images and copies wait, the same command goes on" in str(report)
    history = FeatureTable.open(job.table).history()
    assert len(history) == 2  # its creation, and one part
    record = history[0]["run"]
    assert record["forecast"]["images"] == record["spent"]["images"] == 11
    assert record["spent"] == asdict(report.spent)
    assert record["spent"]["cpu_seconds"] > 0
    assert record["spent"]["money"] == pytest.approx(record["spent"]["seconds"] / 1800, abs=1e-5)
    # A failure of the part is known, as it is after a whole run.
    assert read_failures(job.table).num_rows == report.counts["new_failures"]
    rest = extract(job)
    assert not rest.stopped
    assert rest.counts["present"] + rest.counts["written"] == 20
    costs = describe_table(job.table).as_json()["costs"]
    assert costs["images"] == 21
    assert costs["money_per_million_images"] == pytest.approx(costs["money"] / 21 * 1e6)
    assert f"{costs['money_per_million_images']:,.4g} per million images" in str(
        describe_table(job.table)
    )


def told_of(report, file) -> None:
    """A run's metrics are the run's own figures, and the table's."""
    text = file.read_text().splitlines()
    name = 'frozen_features_{}{{table="features"}}'.format
    figures = dict(line.rsplit(" ", 1) for line in text if not line.startswith("#"))
    found = {key: float(value) for key, value in figures.items()}
    table = FeatureTable.open(report.table)
    expected = {
        "run_active": 0,
        "run_succeeded": 1,
        "run_images": report.spent.images,
        "run_failures": report.counts["new_failures"],
        "run_waiting": 10,
        "run_seconds": report.spent.seconds,
        "run_extract_seconds": report.spent.extract_seconds,
        "run_cpu_seconds": report.spent.cpu_seconds,
        "run_card_seconds": report.spent.card_seconds,
        "run_money": report.spent.money,
        "table_version": table.version,
        "table_rows": table.keys().num_rows,
        "table_bytes": sum(file.size for file in table.logged.files),
        "table_files": len(table.paths),
        "table_commit_timestamp_seconds": table.history()[0]["timestamp"] / 1000,
    }
    assert {each: found[name(each)] for each in expected} == expected
    for doing in ("base", "images", "writing"):
        key = f'frozen_features_run_worker_seconds{{doing="{doing}",table="features"}}'
        assert found[key] == getattr(report.waits, doing)
    began, ended = (found[name(f"run_{what}_timestamp_seconds")] for what in ("started", "ended"))
    assert found[name("run_last_success_timestamp_seconds")] == ended
    assert ended - began >= report.seconds


def test_records_of_others_do_not_hide_ours():
    spent = {"images": 4, "seconds": 2.0, "cpu_seconds": 3.0, "card_seconds": 0.0, "money": 0.5}
    history = [
        {"run": None},
        {"run": {"spent": "a lot"}},
        {"run": {"spent": {**spent, "images": "four"}}},
        {"run": {"spent": spent}},
        {"run": {"spent": {**spent, "money": None}}},
    ]
    costs = costs_of(history)
    assert (costs.commits, costs.images, costs.priced_images, costs.money) == (2, 8, 4, 0.5)
    assert costs.money_per_million == 125_000
    assert costs_of(history[:3]) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hours=1"], "--hours stops a run at the end of a part; say with --commit_every"),
        (["--budget=1"], "--budget stops a run at the end of a part; say with --commit_every"),
        (["--budget=1", "--commit_every=9"], "--budget wants --price_per_hour"),
        (["--budget=1", "--hours=1"], "not allowed with argument"),
        (["--hours=0"], "'0' is not a finite number above 0"),
    ],
)
def test_what_is_refused(options, message, tmp_path, capsys):
    assert main(["--input", str(tmp_path), "--table", str(tmp_path / "t"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
