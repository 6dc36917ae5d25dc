"""What Flink makes of the FlinkDeployment: its pods, on a real API server, with its own rights."""

import re
import time
import zipfile

import pytest

from tests.cluster.api_servers import api_server
from tests.cluster.flink import flink_jars, free_ports
from tests.cluster.manifests import WITH_FLINK, named, pods, quantity, rendered
from tests.cluster.native_flink import NAMESPACE, deploy, jobmanager, settings_of
from tests.cluster.test_api_server import TAKEN, define_flink

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

WORKERS = 2
START_SECONDS = 120


@pytest.fixture(scope="module", params=WITH_FLINK)
def cluster(request, tmp_path_factory):
    """A server with an overlay on which Flink deployed its session cluster."""
    folder = tmp_path_factory.mktemp("native")
    with api_server(folder, tuple(free_ports(3))) as server:
        define_flink(server)
        for document in rendered(request.param):
            assert server.apply(document).status in TAKEN
        deployment = named(rendered(request.param), "FlinkDeployment", "flink")
        settings = settings_of(deployment, folder)
        deploy(server, settings, folder)
        yield server, settings, request.param, folder


def expected(place, role):
    (found,) = [p for p in pods(rendered(place)) if p.labels.get("component") == role]
    return found


def amounts(container):
    kinds = ("requests", "limits")
    return {
        (kind, name): quantity(value)
        for kind in kinds
        for name, value in container["resources"][kind].items()
    }


def check_pod(labels, spec, wanted):
    """A pod that Flink made holds what the checks of the manifests took for granted."""
    assert labels == wanted.labels | {k: v for k, v in labels.items() if k == "pod-template-hash"}
    assert spec["serviceAccountName"] == wanted.spec["serviceAccountName"]
    for name in ("automountServiceAccountToken", "securityContext", "enableServiceLinks"):
        assert spec[name] == wanted.spec[name]
    made = {c["name"]: c for c in [*spec.get("initContainers", []), *spec["containers"]]}
    assert made.keys() == {c["name"] for c in wanted.containers()}
    for container in wanted.containers():
        found = made[container["name"]]
        assert found["image"] == container["image"]
        assert amounts(found) == amounts(container)
        assert found["securityContext"] == container["securityContext"]
        listening = {port["containerPort"] for port in found.get("ports", [])}
        assert listening <= {port["containerPort"] for port in container["ports"]}


def test_the_jobmanager_s_pod_would_be_admitted(cluster):
    server, _, place, _ = cluster
    found = server.request("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/flink")
    template = found.body["spec"]["template"]
    labels = template["metadata"]["labels"]
    metadata = {"name": "jobmanager", "namespace": NAMESPACE, "labels": labels}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    answer = server.apply(pod, dry_run=True)
    assert answer.status in TAKEN, answer.body["message"]
    assert answer.warnings == ()
    check_pod(labels, template["spec"], expected(place, "jobmanager"))


def test_services_are_those_that_the_submitter_names(cluster):
    server, settings, _, _ = cluster
    found = server.request("GET", f"/api/v1/namespaces/{NAMESPACE}/services/flink-rest").body
    assert [port["port"] for port in found["spec"]["ports"]] == [int(settings["rest.port"])]
    assert found["spec"]["type"] == "ClusterIP"


def test_the_jobmanager_makes_taskmanagers_with_the_rights_it_has(cluster):
    server, settings, place, folder = cluster
    accounts = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = server.request("POST", f"{accounts}/jobmanager/token", asked).body["status"]["token"]
    where = f"/api/v1/namespaces/{NAMESPACE}/pods"
    with jobmanager(server, settings, token, WORKERS, folder) as log:
        until = time.monotonic() + START_SECONDS
        made = []
        while len(made) < WORKERS:
            said = log.read_text()
            refused = re.search("Could not create pod.*|.*Could not parse value.*", said)
            assert refused is None, refused[0][:1000]
            assert time.monotonic() < until, said[-4000:]
            time.sleep(0.5)
            made = server.request("GET", where).body["items"]
        assert "Forbidden" not in log.read_text()
    assert len(made) == WORKERS
    for pod in made:
        check_pod(pod["metadata"]["labels"], pod["spec"], expected(place, "taskmanager"))
        (owner,) = pod["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Deployment", "flink")
        (worker,) = pod["spec"]["initContainers"]
        assert worker["restartPolicy"] == "Always"
    for path in ("secrets", "configmaps", "services"):
        answer = server.request("GET", f"/api/v1/namespaces/{NAMESPACE}/{path}", token=token)
        assert answer.status == 403, path
    assert server.request("GET", "/api/v1/namespaces/default/pods", token=token).status == 403


def test_flink_knows_every_setting():
    """Flink passes over a setting it does not know without a word."""
    (jar,) = flink_jars().glob("flink-dist-*.jar")
    with zipfile.ZipFile(jar) as archive:
        names = [
            n for n in archive.namelist() if re.search(r"/configuration/[^/]*Options\.class$", n)
        ]
        known = b"".join(archive.read(name) for name in names)
    for place in WITH_FLINK:
        deployment = named(rendered(place), "FlinkDeployment", "flink")
        for setting in deployment["spec"]["flinkConfiguration"]:
            # A constant of a class file stands behind its length.
            text = setting.encode()
            assert len(text).to_bytes(2, "big") + text in known, setting
