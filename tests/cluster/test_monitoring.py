"""`k8s/monitoring` as a cluster gets it, its rules by promtool, and a real Prometheus that asks."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from pipelines import extract, verify
from pipelines.table.feature_table import FeatureTable
from tests.cluster.flink import FlinkCluster, flink_jars, free_ports
from tests.cluster.go_programs import go_program, pushgateway
from tests.cluster.manifests import ANOTHER, K8S, OVERLAYS, named, of_kind, render
from tests.cluster.monitoring import (
    OPERATORS_KINDS,
    alerts,
    expressions,
    operators_schema,
    rules,
)
from tests.cluster.processes import start
from tests.cluster.test_manifests import closed, validate
from tests.conftest import ROOT

pytestmark = pytest.mark.cluster

TINY = ["--weights=random:1", "--image_size=32", "--engine=keras"]


def monitored(folder: Path, place: str, component: str) -> tuple[dict, ...]:
    """An overlay that names the component, as kustomize builds it."""
    shutil.copytree(K8S, folder / "k8s")
    overlay = folder / "k8s" / place / "kustomization.yaml"
    text = overlay.read_text()
    overlay.write_text(text.replace("  - ../../site\n", f"  - ../../site\n  - ../../{component}\n"))
    assert overlay.read_text() != text
    return tuple(render(str(folder / "k8s" / place)))


def pushes(documents) -> list[bool]:
    jobs = [job["spec"]["jobTemplate"]["spec"] for job in of_kind(documents, "CronJob")]
    containers = [job["template"]["spec"]["containers"][0] for job in jobs]
    return ["--push_metrics=http://pushgateway:9091" in each["command"] for each in containers]


@pytest.mark.parametrize("place", OVERLAYS)
def test_every_overlay_takes_the_component(tmp_path, place):
    import jsonschema

    documents = monitored(tmp_path, place, "monitoring")
    for document in documents:
        if document["kind"] in OPERATORS_KINDS:
            schema = closed(operators_schema(document["kind"]))
            jsonschema.validate(document["spec"], schema)
        else:
            validate(document)
    assert {d["metadata"]["namespace"] for d in documents if d["kind"] != "Namespace"} == {
        "frozen-features"
    }
    assert all(d["metadata"]["labels"]["app.kubernetes.io/part-of"] for d in documents)
    assert pushes(documents) == [True]
    flink = of_kind(documents, "FlinkDeployment")
    # What does not use Flink asks nothing of it.
    monitors = [each["metadata"]["name"] for each in of_kind(documents, "PodMonitor")]
    assert monitors == ["flink", "pushgateway"][0 if flink else 1 :]
    for deployment in flink:
        spec = deployment["spec"]
        port = int(spec["flinkConfiguration"]["metrics.reporter.prom.port"])
        for role in ("jobManager", "taskManager"):
            (main,) = spec[role]["podTemplate"]["spec"]["containers"]
            assert main["ports"] == [{"name": "metrics", "containerPort": port}]
    gateway = named(documents, "Deployment", "pushgateway")
    (container,) = gateway["spec"]["template"]["spec"]["containers"]
    assert ":v" in container["image"]
    board = named(documents, "ConfigMap", "frozen-features-dashboard")
    assert json.loads(board["data"]["frozen-features.json"])["title"] == "frozen-features"


def test_a_second_schedule_pushes_to_the_first_one_s_gateway(tmp_path):
    documents = monitored(tmp_path, ANOTHER, "monitoring/push")
    assert pushes(documents) == [True]
    assert {each["kind"] for each in documents} <= {"CronJob", "ConfigMap"}


def tool(*arguments: object, **options: object) -> None:
    done = subprocess.run(
        [str(go_program("promtool")), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in done.stderr.lower()


def test_each_alert_fires_when_it_should_and_not_otherwise(tmp_path):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules()))
    tool("check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yaml")
    bare = rules()
    for group in bare["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]  # which the tests of alerts would have to repeat
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(bare))
    shutil.copy(ROOT / "tests" / "cluster" / "alerts.yaml", tmp_path)
    tested = yaml.safe_load((tmp_path / "alerts.yaml").read_text())["tests"]
    fired = {
        case["alertname"] for t in tested for case in t["alert_rule_test"] if case["exp_alerts"]
    }
    assert fired == {alert["alert"] for alert in alerts()}
    tool("test", "rules", tmp_path / "alerts.yaml")


def test_the_dashboard_s_expressions_are_prometheus_s(tmp_path):
    asked = [
        {"record": f"panel_{number}", "expr": expression.replace("$table", ".*")}
        for number, expression in enumerate(expressions())
    ]
    groups = {"groups": [{"name": "panels", "rules": asked}]}
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump(groups))
    tool("check", "rules", tmp_path / "panels.yaml")


@contextmanager
def running(command: list[object], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = start([str(part) for part in command], stdout=out, stderr=out)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def wait_for(ask: Callable[[], object], seconds: float = 60) -> object:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if found := ask():
                return found
        except OSError:
            pass
        time.sleep(0.3)
    raise AssertionError(f"not so after {seconds} s")


def test_flink_reports_on_its_port(tmp_path, monkeypatch):
    """The component's settings, in a real JobManager; its plugin comes with Flink."""
    patch = yaml.safe_load((K8S / "monitoring" / "flink.yaml").read_text())
    prefix = "/spec/flinkConfiguration/"
    settings = {
        each["path"].removeprefix(prefix): each["value"]
        for each in patch
        if each["path"].startswith(prefix)
    }
    (port,) = free_ports(1)
    assert settings["metrics.reporter.prom.port"] == "9249"
    # In quotes: a number would be no text, and the reporter would take its own port, 9249.
    settings["metrics.reporter.prom.port"] = f'"{port}"'
    monkeypatch.setenv("FLINK_PLUGINS_DIR", str(flink_jars().parent / "plugins"))
    cluster = FlinkCluster(tmp_path / "flink", 0, more=settings)

    def told() -> str | None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        return text if "flink_jobmanager_taskSlotsTotal" in text else None

    try:
        cluster.start_jobmanager()
        text = wait_for(told, 120)
    finally:
        cluster.stop()
    # The dashboard's; those of jobs come with a job.
    for name in ("numRegisteredTaskManagers", "taskSlotsTotal", "taskSlotsAvailable"):
        assert f"\nflink_jobmanager_{name}{{" in text


def test_a_real_prometheus_hears_of_a_real_run(dataset, tmp_path):
    gateway_port, port = free_ports(2)
    gateway, server = f"http://127.0.0.1:{gateway_port}", f"http://127.0.0.1:{port}"
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules()))
    scrape = {
        "job_name": "pushgateway",
        "honor_labels": True,
        "static_configs": [{"targets": [f"127.0.0.1:{gateway_port}"]}],
    }
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [scrape],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(settings))
    tool("check", "config", tmp_path / "prometheus.yml")
    asks = [
        go_program("prometheus"),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    keeps = [pushgateway(), f"--web.listen-address=127.0.0.1:{gateway_port}"]

    def get(path: str) -> dict:
        with urllib.request.urlopen(f"{server}/api/v1/{path}", timeout=5) as answer:
            return json.load(answer)["data"]

    def values(name: str) -> dict[str, float]:
        found = get("query?" + urllib.parse.urlencode({"query": f"frozen_features_{name}"}))
        return {each["metric"]["job"]: float(each["value"][1]) for each in found["result"]}

    def firing() -> list[dict]:
        # Others wait, as NoMetrics does while nothing has run.
        return [each for each in get("alerts")["alerts"] if each["state"] == "firing"]

    table, file = tmp_path / "features", tmp_path / "run.prom"
    told = [f"--push_metrics={gateway}", f"--metrics_file={file}"]
    with (
        running(keeps, tmp_path / "pushgateway.log"),
        running(asks, tmp_path / "prometheus.log"),
    ):
        wait_for(lambda: urllib.request.urlopen(f"{gateway}/-/ready", timeout=5).status == 200)
        wait_for(lambda: get("rules")["groups"])
        made = ["--input", str(dataset), "--table", str(table), "--commit_every=40"]
        assert extract.main([*made, *TINY, *told, "--price_per_hour=2"]) == 0
        job = "frozen_features_extract"
        wait_for(lambda: values("run_last_success_timestamp_seconds"))
        expected = {"run_images": 88, "run_waiting": 0, "run_active": 0, "table_version": 3}
        assert {name: values(name) for name in expected} == {
            name: {job: value} for name, value in expected.items()
        }
        # Each of the three parts rounds its seconds to 1e-3 and its money to 1e-6.
        assert values("run_money")[job] == pytest.approx(
            values("run_seconds")[job] / 1800, abs=3e-6
        )
        assert not firing()
        # A data file is lost, which a check finds and Prometheus says.
        (table / FeatureTable.open(str(table)).paths[0]).unlink()
        assert verify.main(["--table", str(table), "--sample=0", *told]) == 1
        (alert,) = wait_for(firing)
    assert alert["labels"]["alertname"] == "VerifyFinding"
    assert alert["labels"]["table"] == str(table)
    # The file holds what both commands told, in the format as promtool would have it.
    with file.open() as text:
        tool("check", "metrics", stdin=text)
