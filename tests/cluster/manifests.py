"""The manifests under `k8s/` as a cluster would get them, and what is looked for in them."""

import functools
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.go_programs import go_program
from tests.cluster.tools import TOOLS, fetching, program
from tests.conftest import ROOT

K8S = ROOT / "k8s"
OVERLAYS = ("overlays/cpu", "overlays/gpu", "overlays/local", "overlays/dataflow")
ANOTHER = "overlays/another-base"
JOBS = ("jobs/train", "jobs/evaluate", "jobs/predict", "jobs/report")
CONSOLE = "jobs/console"
SCHEDULES = "schedules"
ALL = (*OVERLAYS, ANOTHER, *JOBS, CONSOLE, SCHEDULES)
WITH_FLINK = ("overlays/cpu", "overlays/gpu")

OPERATOR = "1.10.0"
"""Of the Flink Kubernetes Operator whose definition of a FlinkDeployment is held to."""
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod that an object makes.

    Attributes:
        owner: the object, in words.
        labels: that it will have.
        spec: of the pod.
        given: what Flink, not the template, gives its main container.
    """

    owner: str
    labels: dict[str, str]
    spec: dict[str, Any]
    given: dict[str, Any]

    def containers(self) -> list[dict[str, Any]]:
        """All, init containers too, each with its resources."""
        spec = self.spec
        found = [*spec.get("initContainers", []), *spec["containers"]]
        return [{**self.given, **c} if c["name"] == "flink-main-container" else c for c in found]


@functools.cache
def rendered(place: str) -> tuple[Document, ...]:
    """All objects of an overlay or a job, as kustomize builds them; the namespace first."""
    return tuple(render(str(K8S / place)))


def render(folder: str) -> list[Document]:
    """All objects of a folder."""
    command = [go_program("kustomize"), "build", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # what kustomize warns of
    found = list(yaml.load_all(done.stdout, yaml.CSafeLoader))
    return sorted(found, key=lambda each: each["kind"] != "Namespace")


def with_components(folder: Path, place: str, *names: str) -> tuple[Document, ...]:
    """All objects of an overlay or a job where the site switches components on, in this order.

    Args:
        folder: an empty one, for a copy of the manifests.
        place: as `rendered`.
        names: those that `k8s/site` offers in comments.
    """
    shutil.copytree(K8S, folder / "k8s", dirs_exist_ok=True)
    offered = (K8S / "site" / "kustomization.yaml").read_text()
    begin, mark, rest = offered.partition("# components:\n")
    assert mark
    lines = rest.splitlines()
    assert {f"#   - ../{name}" for name in names} <= set(lines)
    chosen = "".join(f"  - ../{name}\n" for name in names)
    (folder / "k8s" / "site" / "kustomization.yaml").write_text(f"{begin}components:\n{chosen}")
    return tuple(render(str(folder / "k8s" / place)))


def named(documents: tuple[Document, ...], kind: str, name: str) -> Document:
    """The one object of that kind and name."""
    (found,) = [d for d in of_kind(documents, kind) if d["metadata"]["name"] == name]
    return found


def of_kind(documents: tuple[Document, ...], kind: str) -> list[Document]:
    return [d for d in documents if d["kind"] == kind]


def pods(documents: tuple[Document, ...]) -> Iterator[Pod]:
    """Every pod that objects make, Flink's with the labels and resources that Flink gives them."""
    for document in documents:
        kind, spec = document["kind"], document.get("spec", {})
        owner = f"{kind} {document['metadata']['name']}"
        if kind == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if kind in ("CronJob", "Job"):
            template = spec["template"]
            yield Pod(owner, template["metadata"]["labels"], template["spec"], {})
        elif kind == "FlinkDeployment":
            yield from _flink_pods(document, owner)
        else:
            assert "template" not in spec, f"{owner} makes pods that no test looks at"


def _flink_pods(document: Document, owner: str) -> Iterator[Pod]:
    # What Flink adds is seen by running it, in test_flink_native.py.
    spec = document["spec"]
    settings = spec["flinkConfiguration"]
    ports = {
        "jobManager": ("rest.port", "jobmanager.rpc.port", "blob.server.port"),
        "taskManager": ("taskmanager.rpc.port", "taskmanager.data.port"),
    }
    accounts = {
        "jobManager": spec["serviceAccount"],
        "taskManager": settings["kubernetes.taskmanager.service-account"],
    }
    for role, names in ports.items():
        own = spec[role]["resource"]
        amounts = {
            "cpu": str(own["cpu"]),
            "memory": re.sub("m$", "Mi", own["memory"]),
            "ephemeral-storage": own["ephemeralStorage"],
        }
        heard = [*names, "metrics.internal.query-service.port"]
        given = {
            "image": spec["image"],
            "resources": {"requests": amounts, "limits": amounts},
            "ports": [{"containerPort": int(settings[name])} for name in heard],
        }
        template = spec[role]["podTemplate"]
        labels = {
            "app": document["metadata"]["name"],
            "component": role.lower(),
            "type": "flink-native-kubernetes",
            **template.get("metadata", {}).get("labels", {}),
        }
        pod = {**template["spec"], "serviceAccountName": accounts[role]}
        yield Pod(f"{owner} {role}", labels, pod, given)


def quantity(text: object) -> float:
    """A Kubernetes quantity as a number."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()  # type: ignore[union-attr]
    units = {"": 1, "m": 1e-3, "Mi": 2**20, "Gi": 2**30}
    return float(number) * units[unit]


@functools.cache
@fetching()
def operator_definition() -> Document:
    """What the Flink Kubernetes Operator takes for a FlinkDeployment, from its own jar."""
    jar = TOOLS / f"flink-kubernetes-operator-api-{OPERATOR}.jar"
    if not jar.exists():
        artifact = f"org.apache.flink:flink-kubernetes-operator-api:{OPERATOR}"
        done = subprocess.run(
            [
                *(program("mvn", "maven"), "-q", "-B", _COPY),
                *(f"-Dartifact={artifact}", f"-DoutputDirectory={TOOLS}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(jar) as archive:
        text = archive.read("META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml")
    definition: Document = yaml.load(text, yaml.CSafeLoader)
    return definition
