"""The rules, the dashboard and the page name metrics that commands tell, and all of them."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from classifiers.drifting import permuting
from classifiers.drifting.gauges import gauges_of_drift
from classifiers.drifting.report import DriftReport
from pipelines.commits.leakage import Leakage
from pipelines.commits.run_gauges import RunGauges
from pipelines.commits.settlement import Settled
from pipelines.commits.spending import Expected, Spent
from pipelines.engines.bottleneck import Waits
from pipelines.metrics.gauges import PREFIX, Gauge
from pipelines.metrics.outlet import Outlet
from pipelines.table.feature_table import FeatureTable
from pipelines.table.verify_report import VerifyReport, gauges_of_verify
from tests.cluster.monitoring import DASHBOARD, alerts, expressions, names_in
from tests.conftest import ROOT

DRIFT = DriftReport(
    *("a", "b", (100, 100), 0, 100),
    *(permuting.Tested(0.75, 0.004), permuting.Tested(0.125, 0.5), (), (), 0.05),
)


class Table:
    """What is asked of a table."""

    version, logged = 1, SimpleNamespace(files=())

    def history(self, _: int) -> list[dict[str, int]]:
        return [{"timestamp": 0}]

    def counts(self) -> list[tuple[str, str, int, int]]:
        return []


def every_gauge(monkeypatch) -> list[Gauge]:
    """All that the three commands tell."""
    told: list[Gauge] = []
    monkeypatch.setattr(Outlet, "publish", lambda _, gauges: told.extend(gauges))
    monkeypatch.setattr(FeatureTable, "open_if_exists", lambda _: Table())
    run = RunGauges(Outlet("extract", "t", Path("x.prom")))
    with run.of_a_run():
        run.part_begins(Expected(5, 1.0, None), 0, 5)
        settled = Settled(1, {"waiting": 0}, (), Leakage((), ()))
        run.committed(settled, Spent(), None, Waits(), "t")
    told += gauges_of_verify(VerifyReport("t", 1, 0, (), (), 0, 0), 0.0)
    return told + gauges_of_drift(DRIFT, 0.0)


@pytest.fixture
def told(monkeypatch):
    return {f"{PREFIX}{gauge.name}" for gauge in every_gauge(monkeypatch)}


def test_rules_and_dashboard_ask_for_what_is_told(told):
    asked = [alert["expr"] for alert in alerts()] + list(expressions())
    unknown = set().union(*map(names_in, asked)) - told
    assert not unknown
    ours = [alert["expr"] for alert in alerts() if not alert["alert"].startswith("Flink")]
    assert all(names_in(expression) for expression in ours)


def test_the_page_names_each_metric_and_each_alert(told):
    page = (ROOT / "docs" / "monitoring.md").read_text()
    named = {f"{PREFIX}{name}" for name in re.findall(r"`(\w+)(?:\{.*?\})?`", page)}
    assert not told - named
    rows = re.findall(r"^\| `([A-Z]\w+)` \|", page, re.MULTILINE)
    assert sorted(rows) == sorted(alert["alert"] for alert in alerts())


def test_an_alarm_of_drift_is_told_by_its_kind():
    values = {
        (gauge.name, *gauge.labels.values()): gauge.value for gauge in gauges_of_drift(DRIFT, 5.0)
    }
    assert values == {
        ("drift_images",): 100,
        ("drift_timestamp_seconds",): 5.0,
        ("drift_statistic", "classifier"): 0.75,
        ("drift_p", "classifier"): 0.004,
        ("drift_statistic", "mmd"): 0.125,
        ("drift_p", "mmd"): 0.5,
        ("drift_alarm", "drift"): 1,
        ("drift_alarm", "classes"): 0,
    }
    few = gauges_of_drift(replace(DRIFT, classifier=None, mmd=None), 5.0)
    missing = [gauge for gauge in few if gauge.name in ("drift_p", "drift_statistic")]
    assert len(missing) == 4
    assert all(gauge.value != gauge.value for gauge in missing)  # NaN


def test_the_dashboard_s_panels_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
