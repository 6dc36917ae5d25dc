"""Prometheus, its tools, a Pushgateway and the operator's definitions, at pinned versions."""

import functools
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.manifests import K8S
from tests.cluster.tools import TOOLS, fetching, go, go_tool

PROMETHEUS = "v0.316.0"
"""Of the module, which is Prometheus 3.16."""

PUSHGATEWAY = "v1.11.1"
OPERATOR = "v0.85.0"
OPERATORS_KINDS = {"PodMonitor": "podmonitors", "PrometheusRule": "prometheusrules"}

COMPONENT = K8S / "monitoring"
DASHBOARD = COMPONENT / "dashboards" / "frozen-features.json"


def promtool() -> Path:
    """Prometheus's own checks; without the clouds' service discovery it is built in a minute."""
    package = "github.com/prometheus/prometheus/cmd/promtool"
    return go_tool("promtool", package, PROMETHEUS, "-tags", "remove_all_sd")


def prometheus() -> Path:
    """The server, without its pages."""
    package = "github.com/prometheus/prometheus/cmd/prometheus"
    return go_tool("prometheus", package, PROMETHEUS, "-tags", "remove_all_sd")


@fetching()
def pushgateway() -> Path:
    """Built where its module lies: `go install` would ask for a list of its versions besides."""
    binary = TOOLS / f"pushgateway-{PUSHGATEWAY}" / "pushgateway"
    if not binary.exists():
        folder = _module("github.com/prometheus/pushgateway", PUSHGATEWAY)
        _go("build", "-C", str(folder), "-o", str(binary), ".")
    return binary


@functools.cache
@fetching()
def operators_schema(kind: str) -> dict[str, Any]:
    """What Prometheus's operator takes for the `spec` of one of its kinds, from its own module."""
    name = f"monitoring.coreos.com_{OPERATORS_KINDS[kind]}.yaml"
    module = _module("github.com/prometheus-operator/prometheus-operator", OPERATOR)
    folder = module / "example" / "prometheus-operator-crd"
    # A flag that Go takes behind the beginning, and Python before it.
    text = (folder / name).read_text().replace("^(?i)", "(?i)^")
    definition = yaml.load(text, yaml.CSafeLoader)
    (version,) = definition["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def _module(path: str, version: str) -> Path:
    """Where the source of a Go module lies."""
    return Path(json.loads(_go("mod", "download", "-json", f"{path}@{version}"))["Dir"])


def _go(*arguments: str) -> str:
    done = subprocess.run(
        [go(), *arguments],
        env={**os.environ, "CGO_ENABLED": "0"},
        cwd=TOOLS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> dict[str, Any]:
    """The rules as a file of Prometheus's own would have them."""
    spec: dict[str, Any] = yaml.safe_load((COMPONENT / "rules.yaml").read_text())["spec"]
    return spec


def alerts() -> list[dict[str, Any]]:
    return [rule for group in rules()["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Every expression of the dashboard."""
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (each["expr"] for each in board["annotations"]["list"])


def names_in(text: str) -> set[str]:
    """Names of our metrics in an expression or a page."""
    return set(re.findall(r"\bfrozen_features_(?!dashboard)\w+", text))
