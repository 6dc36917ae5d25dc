"""`k8s/chart`: made from the manifests, and equal to what kustomize makes of them."""

import json
import re
from typing import Any

import pytest
import yaml

from classifiers import train
from pipelines import __version__, extract
from tests.cluster.chart.parameters import KEEP
from tests.cluster.chart.switches import COMPONENTS, JOBS, RUNNERS
from tests.cluster.chart.templates import CHART, FOLDER, templates
from tests.cluster.chart.variants import everything, single_switches
from tests.cluster.helm import charted, helm, refusal
from tests.cluster.manifests import K8S
from tests.conftest import ROOT

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
BUCKETS = {
    "INPUT": "s3://photographs/2026",
    "TABLE": "s3://features/cats",
    "MODEL": "s3://features/models/dense",
    "CANDIDATE": "s3://features/models/candidate",
    "PREDICT_INPUT": "s3://photographs/new",
    "PREDICTIONS": "s3://features/predictions.parquet",
    "WEIGHTS": "/weights/vgg16.weights.h5",
}
DATAFLOW = {
    **{name: place.replace("s3://", "gs://") for name, place in BUCKETS.items()},
    "PROJECT": "ours",
    "REGION": "europe-west1",
    "TEMP_LOCATION": "gs://features/dataflow",
    "WORKER_IMAGE": "registry.example/worker:7",
    "WORKER_ACCOUNT": "batch@ours.iam.gserviceaccount.com",
}
ALL_OF_ONE_CLOUD = ["eks", "openshift", "private-registry", "private-ca", "priority", "spot"]


def choice(runner="cpu", components=(), options=None, buckets=False, monitoring=False) -> Any:
    """The same in the words of the chart and of kustomize."""
    values = {
        "runner": runner,
        "objectStore": buckets,
        "schedules": True,
        "components": list(components),
        "options": options or {},
        "monitoring": {"enabled": monitoring},
    }
    patch = [
        {"op": "add", "path": f"/data/{name}", "value": str(value)}
        for name, value in (options or {}).items()
    ]
    target = {"kind": "ConfigMap", "name": "options"}
    said = {
        "base": f"overlays/{runner}",
        "components": [
            *(["object-store"] if buckets else []),
            *(f"components/{name}" for name in components),
        ],
        "monitored": monitoring,
        "patches": [{"target": target, "patch": yaml.safe_dump(patch)}] if patch else [],
    }
    return values, said


CHOICES = {
    "cpu": choice(),
    "gpu on EKS, in buckets": choice("gpu", ALL_OF_ONE_CLOUD, BUCKETS, buckets=True),
    "gpu on AKS, monitored": choice("gpu", ["aks", "spot", "priority"], monitoring=True),
    "cpu on GKE": choice("cpu", ["gke", "private-ca"], {"PARALLELISM": 40, "VERIFY_SAMPLE": 0}),
    "one pod": choice("local", ["openshift", "priority"], {"COMMIT_EVERY": 1_000_000}),
    "dataflow, monitored": choice("dataflow", ["gke"], DATAFLOW, monitoring=True),
}


def in_order(value):
    """An object with what has no order put into one."""
    if isinstance(value, dict):
        return {name: in_order(each) for name, each in sorted(value.items())}
    if isinstance(value, list):
        items = [in_order(each) for each in value]
        ordered = not all(isinstance(each, dict) for each in items)
        return items if ordered else sorted(items, key=lambda each: json.dumps(each))
    return value


def by_name(documents):
    """Objects by kind and name, without what the chart alone says of a claim."""
    found = {}
    for each in documents:
        each = json.loads(json.dumps(each))
        if each["kind"] == "PersistentVolumeClaim":
            assert each["metadata"].pop("annotations") == KEEP
        found[each["kind"], each["metadata"]["name"]] = in_order(each)
    assert len(found) == len(documents)
    return found


@pytest.mark.cluster
@pytest.mark.parametrize("name", CHOICES)
def test_it_is_what_kustomize_makes(name, tmp_path):
    values, said = CHOICES[name]
    wanted = {key: in_order(each) for key, each in everything(tmp_path, **said).items()}
    jobs = {key: each for key, each in wanted.items() if key[0] == "Job"}
    found = by_name(charted(CHART, values))
    assert found.keys() == wanted.keys() - jobs.keys()
    for key in found:
        assert found[key] == wanted[key], key
    assert jobs.keys() == {("Job", job) for job in JOBS}
    for job in JOBS:
        alone = by_name(charted(CHART, {**values, "job": job}))
        assert alone == {("Job", job): jobs["Job", job]}


@pytest.mark.cluster
def test_the_templates_are_those_that_the_manifests_make(tmp_path):
    made = templates(single_switches(tmp_path))
    there = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert there.keys() == made.keys(), "make chart"
    for name, text in made.items():
        assert there[name] == text, f"{name}: make chart"


@pytest.mark.cluster
def test_the_linter_finds_nothing():
    done = helm("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout + done.stderr


@pytest.mark.cluster
def test_values_reach_what_they_are_about():
    values = {
        "images": {"worker": "registry.example/worker@sha256:" + 64 * "a", "flink": "flink:1"},
        "claims": {
            "storageClass": "nfs",
            "table": {"size": "1Ti"},
            "images": {"create": False},
        },
        "at": {"extract": "30 2 * * *"},
        "resources": {
            "worker": {"cpu": "8", "memory": "12Gi"},
            "taskManager": {"memory": "2560m", "cpu": 1.5},
            "extract": {"memory": "32768Mi"},
        },
        "identity": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"},
        "workerNodes": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
        "operatorNamespace": "flink-operator",
        "monitoring": {"enabled": True, "namespace": "prom", "labels": {"release": "prom"}},
    }
    objects = by_name(charted(CHART, values))
    assert ("PersistentVolumeClaim", "images") not in objects
    claim = objects["PersistentVolumeClaim", "table"]["spec"]
    assert claim["storageClassName"] == "nfs"
    assert claim["resources"]["requests"]["storage"] == "1Ti"
    assert objects["CronJob", "extract"]["spec"]["schedule"] == "30 2 * * *"
    flink = objects["FlinkDeployment", "flink"]["spec"]
    assert flink["image"] == "flink:1"
    assert flink["taskManager"]["resource"]["memory"] == "2560m"
    assert flink["taskManager"]["resource"]["cpu"] == 1.5
    pod = flink["taskManager"]["podTemplate"]["spec"]
    assert pod["nodeSelector"] == values["workerNodes"]
    (worker,) = pod["initContainers"]
    assert worker["image"] == values["images"]["worker"]
    for side in ("requests", "limits"):
        assert worker["resources"][side]["cpu"] == "8"
        assert worker["resources"][side]["memory"] == "12Gi"
    assert "32768Mi" in str(objects["CronJob", "extract"])
    for account in ("submit", "taskmanager", "trainer"):
        own = objects["ServiceAccount", account]["metadata"]
        assert own["annotations"] == values["identity"]
    assert "annotations" not in objects["ServiceAccount", "jobmanager"]["metadata"]
    policies = str([each for (kind, _), each in objects.items() if kind == "NetworkPolicy"])
    assert "'kubernetes.io/metadata.name': 'flink-operator'" in policies
    assert "'kubernetes.io/metadata.name': 'prom'" in policies
    assert "monitoring" not in policies
    assert objects["PodMonitor", "flink"]["metadata"]["labels"]["release"] == "prom"
    assert objects["PrometheusRule", "frozen-features"]["metadata"]["labels"]["release"] == "prom"


REFUSED = {
    "a name with a typo": ({"optoins": {}}, "additional properties 'optoins' not allowed"),
    "an option with a typo": (
        {"options": {"MODL": "/models/x"}},
        "at '/options': additional properties 'MODL' not allowed",
    ),
    "a choice with a typo": (
        {"options": {"ENGINE": "openvnio"}},
        "at '/options/ENGINE': value must be one of 'auto', 'keras', 'openvino', 'ncnn'",
    ),
    "a number that is none": ({"options": {"PARALLELISM": "4x"}}, "at '/options/PARALLELISM'"),
    "a component with a typo": ({"components": ["ekz"]}, "at '/components/0': value must be one"),
    "an image without a tag": (
        {"images": {"worker": "registry.example:5000/worker"}},
        "at '/images/worker': 'registry.example:5000/worker' does not match",
    ),
    "a schedule that is none": ({"at": {"verify": "every night"}}, "at '/at/verify'"),
    "a model on a claim that is not there": (
        {"objectStore": True, "options": {**BUCKETS, "MODEL": "/models/dense"}},
        "options.MODEL is /models/dense, and with objectStore no claim is mounted",
    ),
    "a place that nobody named": (
        {"objectStore": True, "options": {k: v for k, v in BUCKETS.items() if k != "TABLE"}},
        "options.TABLE is not set",
    ),
    "a candidate that nobody named": (
        {
            "objectStore": True,
            "schedules": True,
            "options": {k: v for k, v in BUCKETS.items() if k != "CANDIDATE"},
        },
        "options.CANDIDATE is not set",
    ),
    "weights on a claim that is not there": (
        {"objectStore": True, "options": {**BUCKETS, "WEIGHTS": "imagenet"}},
        "options.WEIGHTS is imagenet, which lies in the claim cache",
    ),
    "a bucket that nobody is let out to": (
        {"options": {"TABLE": "s3://features/cats"}},
        "options.TABLE is s3://features/cats, and no pod is let out to a store",
    ),
    "two clouds": ({"components": ["eks", "gke"]}, "components has eks and gke"),
    "Dataflow without a project": (
        {"runner": "dataflow", "options": {**BUCKETS, "REGION": "europe-west1"}},
        "options.PROJECT is not set",
    ),
}


@pytest.mark.cluster
@pytest.mark.parametrize("fault", REFUSED)
def test_bad_values_are_refused_in_a_line(fault):
    values, said = REFUSED[fault]
    lines = refusal(CHART, values).splitlines()
    (line,) = [each for each in lines if said in each]
    assert len([each for each in lines if each.startswith(("- at", "Error: exec"))]) == 1, line


def test_the_schema_names_what_the_manifests_have():
    properties = SCHEMA["properties"]
    options = yaml.safe_load((K8S / "base" / "options.yaml").read_text())["data"]
    dataflow = yaml.safe_load((K8S / "overlays/dataflow/options.yaml").read_text())["data"]
    assert properties["options"]["properties"].keys() == options.keys() | dataflow.keys()
    assert properties["components"]["items"]["enum"] == list(COMPONENTS)
    assert {each.name for each in (K8S / "components").iterdir()} == set(COMPONENTS)
    assert properties["runner"]["enum"] == list(RUNNERS)
    assert properties["job"]["enum"] == ["", *JOBS]
    assert VALUES.keys() == properties.keys() - {"global"}


def test_choices_are_those_of_the_commands():
    known = {}
    for command in (train, extract):
        for action in command.make_parser()._actions:
            known[action.dest.upper()] = action.choices
    for name, said in SCHEMA["properties"]["options"]["properties"].items():
        if "enum" in said:
            assert said["enum"] == list(known[name]), name


def test_the_chart_s_version_is_the_project_s():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__


def leaves(schema, path=""):
    """Every value by the name that a user writes, with what the schema says of it."""
    for name, each in schema.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        if "properties" in each:
            yield from leaves(each, here)
        else:
            yield here, each


def test_the_page_has_every_value():
    page = (ROOT / "docs" / "helm.md").read_text()
    told = set(re.findall(r"^\| `([\w./-]+)`", page, re.MULTILINE))
    names = {name for name, _ in leaves(SCHEMA)} - {"global"}
    grouped = {re.sub(r"^(resources|claims)\.[\w-]+\.", r"\1.NAME.", name) for name in names}
    at = {name for name in grouped if name.startswith("at.")}
    assert told == (grouped - at) | {"at.NAME"}


def begins(sentence, line):
    """Whether a line is the beginning of a sentence with places to be filled."""
    words = sentence.split(" ")
    patterns = (
        re.escape(" ".join(words[:n]).rstrip(",")).replace("%s", ".+")
        for n in range(1, len(words) + 1)
    )
    return any(re.fullmatch(each, line) for each in patterns)


def test_what_the_page_has_helm_say_is_said():
    page = (ROOT / "docs" / "clusters" / "not-starting.md").read_text()
    table = page.partition("| Helm says |")[2].partition("\n\n")[0]
    told = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    checks = (CHART / "templates" / "checks.yaml").read_text()
    sentences = re.findall(r'fail (?:\(printf )?"([^"]+)"', checks)
    assert (len(told), len(sentences)) == (13, 13)
    for line in told:
        refused = any(line in each for _, each in REFUSED.values())
        helms_own = line.startswith("no matches for kind")
        assert refused or helms_own or any(begins(each, line) for each in sentences), line


@pytest.mark.parametrize("group", ["resources", "claims", "at"])
def test_the_page_has_every_name(group):
    page = (ROOT / "docs" / "helm.md").read_text()
    (line,) = [each for each in page.splitlines() if each.startswith(f"- `{group}`: ")]
    names = SCHEMA["properties"][group]["properties"].keys() - {"storageClass"}
    assert set(re.findall(r"`([\w-]+)`", line)) - {group} == names
