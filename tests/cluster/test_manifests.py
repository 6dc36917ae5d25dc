"""Every object under `k8s/`: rendered by kustomize, valid by the schemas of those who take it."""

from copy import deepcopy

import pytest
import yaml

from pipelines import __version__
from tests.cluster.manifests import (
    ALL,
    ANOTHER,
    CONSOLE,
    JOBS,
    K8S,
    OVERLAYS,
    SCHEDULES,
    WITH_FLINK,
    named,
    of_kind,
    operator_definition,
    pods,
    rendered,
    with_components,
)

KUBERNETES = "1.34"
"""The oldest that the schemas at hand describe; the API server of the other tests is newer."""

IMAGES = ("worker", "trainer", "submit", "dataflow")

FLINK_KINDS = {"FlinkDeployment", "Role", "RoleBinding"}


def closed(schema):
    """The schema with every object that lists its properties closed to others."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        if schema.pop("x-kubernetes-int-or-string", False):
            schema.pop("anyOf", None)
            schema["type"] = ["integer", "string"]
        return schema
    return [closed(each) for each in schema] if isinstance(schema, list) else schema


def validate(document):
    # Three seconds, which every process of tests would take that collects this file.
    import jsonschema
    import kubernetes_validate

    if document["kind"] == "FlinkDeployment":
        (version,) = operator_definition()["spec"]["versions"]
        assert document["apiVersion"] == f"flink.apache.org/{version['name']}"
        schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        jsonschema.validate(document["spec"], closed(schema))
    else:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_the_images_tags_are_the_project_s_version():
    site = yaml.safe_load((K8S / "site" / "kustomization.yaml").read_text())
    ours = {i["name"]: i["newTag"] for i in site["images"] if i["name"].startswith("frozen-")}
    assert ours == {f"frozen-features/{name}": __version__ for name in IMAGES}


@pytest.mark.cluster
@pytest.mark.parametrize("place", ALL)
def test_every_object_is_valid(place):
    documents = rendered(place)
    for document in documents:
        validate(document)
    places = [(d["kind"], d["metadata"]["name"]) for d in documents]
    assert len(set(places)) == len(places)
    assert all(d["metadata"]["labels"]["app.kubernetes.io/part-of"] for d in documents)
    inside = [d for d in documents if d["kind"] != "Namespace"]
    assert {d["metadata"]["namespace"] for d in inside} == {"frozen-features"}


@pytest.mark.cluster
def test_validation_refuses_what_no_cluster_would_take():
    from jsonschema import ValidationError as FlinkError
    from kubernetes_validate import ValidationError

    deployment = deepcopy(named(rendered("overlays/cpu"), "FlinkDeployment", "flink"))
    worker = deployment["spec"]["taskManager"]["podTemplate"]["spec"]["initContainers"][0]
    worker["restartpolicy"] = "Always"
    with pytest.raises(FlinkError, match="restartpolicy"):
        validate(deployment)
    cron = deepcopy(named(rendered("overlays/cpu"), "CronJob", "extract"))
    cron["spec"]["concurencyPolicy"] = "Forbid"
    with pytest.raises(ValidationError, match="concurencyPolicy"):
        validate(cron)


@pytest.mark.cluster
def test_overlays_hold_what_they_are_for():
    kinds = {place: {d["kind"] for d in rendered(place)} for place in ALL}
    for place in WITH_FLINK:
        assert kinds[place] >= {*FLINK_KINDS, "CronJob", "Namespace", "PersistentVolumeClaim"}
    for place in ("overlays/local", "overlays/dataflow"):
        assert not kinds[place] & FLINK_KINDS
        flink = [p for p in pods(rendered(place)) if "flink" in str(p).lower()]
        assert [p.owner for p in flink] == []
        assert "frozen-features/needed-by" not in str(rendered(place))
    for place in (*JOBS, CONSOLE):
        assert kinds[place] == {"Job"}
    assert kinds[ANOTHER] == {"CronJob", "ConfigMap"}
    assert kinds[SCHEDULES] == {"CronJob"}
    claims = {
        d["metadata"]["name"]
        for d in of_kind(rendered("overlays/dataflow"), "PersistentVolumeClaim")
    }
    assert claims == set()
    (worker,) = [
        p for p in pods(rendered("overlays/gpu")) if p.labels.get("component") == "taskmanager"
    ]
    with_card = {
        c["name"]: c["resources"]["limits"].get("nvidia.com/gpu") for c in worker.containers()
    }
    assert with_card == {"worker": "1", "flink-main-container": None}
    shm = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}
    assert shm in worker.spec["volumes"]
    assert worker.spec["tolerations"]
    wanted = worker.spec["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    (labels,) = zip(
        *(each["matchExpressions"] for each in wanted["nodeSelectorTerms"]), strict=True
    )
    assert {"nvidia.com/gpu.present", "cloud.google.com/gke-accelerator"} < {
        each["key"] for each in labels
    }


@pytest.mark.cluster
@pytest.mark.parametrize("place", ALL)
def test_images_have_a_version(place):
    images = {c["image"] for pod in pods(rendered(place)) for c in pod.containers()}
    flink = "flink:1.19.3-scala_2.12-java17"
    allowed = {f"frozen-features/{name}:{__version__}" for name in IMAGES}
    assert images <= {*allowed, flink}
    assert ("dataflow" in str(images)) == (place == "overlays/dataflow")
    assert (flink in images) == (place in WITH_FLINK)


@pytest.mark.cluster
@pytest.mark.parametrize("place", ["overlays/cpu", ANOTHER, *JOBS, CONSOLE, SCHEDULES])
def test_buckets_in_the_place_of_claims(tmp_path, place):
    """The component that k8s/site offers in a comment, switched on."""
    documents = with_components(tmp_path, place, "object-store")
    for document in documents:
        validate(document)
    assert of_kind(documents, "PersistentVolumeClaim") == []
    for pod in pods(documents):
        assert not [v for v in pod.spec["volumes"] if "persistentVolumeClaim" in v], pod.owner
        volumes = {volume["name"] for volume in pod.spec["volumes"]}
        for container in pod.containers():
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            if container["name"] == "flink-main-container":
                continue
            variables = {each["name"]: each.get("value") for each in container["env"]}
            assert variables["FROZEN_FEATURES_CACHE"] == "/tmp/cache"
            assert variables["KERAS_HOME"] == "/tmp/keras"
            assert "google" in {mount["name"] for mount in container["volumeMounts"]}
    # Starting a job replaces all that stands beside it: that must be nothing.
    if place in JOBS:
        assert len(documents) == 1
    if place in OVERLAYS:
        assert named(documents, "ConfigMap", "options")["data"]["EVALUATION"] == "/dev/stdout"
        (egress,) = named(documents, "NetworkPolicy", "object-store")["spec"]["egress"]
        assert egress["ports"] == [{"protocol": "TCP", "port": 443}]
        shut = named(rendered(place), "NetworkPolicy", "object-store")["spec"]["egress"]
        assert shut == []
