"""Prometheus, its tools, a Pushgateway and the operator's definitions, at pinned versions."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.cluster.go_programs import module_source
from tests.cluster.manifests import K8S

OPERATOR = "v0.85.0"
OPERATORS_KINDS = {"PodMonitor": "podmonitors", "PrometheusRule": "prometheusrules"}

COMPONENT = K8S / "monitoring"
DASHBOARD = COMPONENT / "dashboards" / "frozen-features.json"


@functools.cache
def operators_schema(kind: str) -> dict[str, Any]:
    """What Prometheus's operator takes for the `spec` of one of its kinds, from its own module."""
    name = f"monitoring.coreos.com_{OPERATORS_KINDS[kind]}.yaml"
    module = module_source("github.com/prometheus-operator/prometheus-operator", OPERATOR)
    folder = module / "example" / "prometheus-operator-crd"
    # A flag that Go takes behind the beginning, and Python before it.
    text = (folder / name).read_text().replace("^(?i)", "(?i)^")
    definition = yaml.load(text, yaml.CSafeLoader)
    (version,) = definition["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


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
