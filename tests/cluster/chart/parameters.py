"""What of an object is taken from the values; the default is what kustomize has there."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from tests.cluster.chart.merging import Path, escaped
from tests.cluster.chart.variants import Key
from tests.cluster.manifests import Document

IMAGES = {
    "frozen-features/worker": "worker",
    "frozen-features/trainer": "trainer",
    "frozen-features/submit": "submit",
    "frozen-features/dataflow": "dataflow",
    "flink": "flink",
    "prom/pushgateway": "pushgateway",
}
"""What the values call an image, by its name in the manifests."""

NAMESPACES = {
    "flink-kubernetes-operator": ".Values.operatorNamespace",
    "monitoring": ".Values.monitoring.namespace",
}
"""Namespaces of others that policies let in."""

WITH_IDENTITY = ("submit", "taskmanager", "trainer")
"""Accounts whose pods use stores, which a cloud's annotations may give an identity."""

SELECTED_BY_LABELS = ("PodMonitor", "PrometheusRule")

KEEP = {"helm.sh/resource-policy": "keep"}
"""On a claim: `helm uninstall` leaves it, and the table in it."""

OPTIONAL = "only if the values have it"


def prepared(document: Document) -> Document:
    """An object with places for what the values may add, and what Helm alone has."""
    document = deepcopy(document)
    kind, name = document["kind"], document["metadata"]["name"]
    if kind == "PersistentVolumeClaim":
        document["metadata"]["annotations"] = dict(KEEP)
        document["spec"].setdefault("storageClassName", OPTIONAL)
    if kind == "ServiceAccount" and name in WITH_IDENTITY:
        document["metadata"]["annotations"] = OPTIONAL
    if kind in SELECTED_BY_LABELS:
        document["metadata"]["labels"]["range"] = OPTIONAL
    if kind == "FlinkDeployment":
        document["spec"]["taskManager"]["podTemplate"]["spec"]["nodeSelector"] = OPTIONAL
    return document


class Parameters:
    """Knows the places of one object that the values fill.

    Args:
        key: of the object.
    """

    def __init__(self, key: Key) -> None:
        self._kind, self._name = key

    def __call__(self, path: Path, value: Any) -> list[str] | None:
        """Lines for a place; None where the values have nothing to say."""
        last = path[-1]
        if last == "namespace":
            return ["namespace: {{ .Release.Namespace }}"]
        if last == "image":
            image = IMAGES[str(value).partition("@")[0].partition(":")[0]]
            return [f"image: {{{{ .Values.images.{image} }}}}"]
        if last == "kubernetes.io/metadata.name" and value in NAMESPACES:
            return [f"{last}: {{{{ {NAMESPACES[value]} }}}}"]
        if path == ("data", last) and self._name == "options":
            return [_taken(last, ".Values.options", [last], value)]
        if last == "schedule":
            return [_taken(last, ".Values.at", [self._name], value)]
        if self._kind == "PersistentVolumeClaim":
            return self._of_a_claim(last, value)
        if last in ("cpu", "memory") or (value == "1" and last == "nvidia.com/gpu"):
            return self._amount(path, value)
        return _optional(last) if value == OPTIONAL else None

    def _of_a_claim(self, last: str, value: Any) -> list[str] | None:
        if last == "storage":
            return [_taken(last, ".Values.claims", [self._name, "size"], value)]
        if last == "storageClassName":
            usual = [] if value == OPTIONAL else ["{{- else }}", *escaped({last: value})]
            given = "{{ .Values.claims.storageClass | quote }}"
            return [
                *("{{- if .Values.claims.storageClass }}", f"{last}: {given}"),
                *(*usual, "{{- end }}"),
            ]
        return None

    def _amount(self, path: Path, value: Any) -> list[str]:
        owner = self._name
        if self._kind == "FlinkDeployment":
            owner = "worker" if "worker" in path else path[1]
        elif path[-4:-3] == ("train",) and self._name == "retrain":
            owner = "retrain-train"
        return [_taken(path[-1], ".Values.resources", [owner, path[-1]], value)]


def guards(key: Key, document: Mapping[str, Any]) -> list[str]:
    """Conditions of the values, besides the switches, on which there is an object."""
    kind, name = key
    if kind == "Job":
        return [f'eq .Values.job "{name}"']
    found = ["not .Values.job"]
    if kind == "CronJob" and name != "extract":
        found.append(".Values.schedules")
    if kind == "PersistentVolumeClaim":
        found.append(f'dig "{name}" "create" true .Values.claims')
    return found


def _taken(name: str, of: str, keys: list[str], default: Any) -> str:
    words = " ".join(json.dumps(each) for each in [*keys, str(default)])
    found = f"dig {words} {of}"
    text = f'include "text" ({found})' if isinstance(default, str) else found
    return f"{name}: {{{{ {text} }}}}"


def _optional(name: str) -> list[str]:
    if name == "range":
        return [
            "{{- range $name, $value := .Values.monitoring.labels }}",
            *("{{ $name }}: {{ $value | quote }}", "{{- end }}"),
        ]
    value = {"annotations": ".Values.identity", "nodeSelector": ".Values.workerNodes"}[name]
    return [f"{{{{- with {value} }}}}", f"{name}: {{{{ toJson . }}}}", "{{- end }}"]
