"""Helm installs, upgrades and removes the chart at a real API server, or says why it does not."""

import base64

import pytest

from tests.cluster.api_servers import ADMIN, api_server
from tests.cluster.chart.templates import CHART
from tests.cluster.flink import free_ports
from tests.cluster.helm import NAMESPACE, helm
from tests.cluster.manifests import named, rendered
from tests.cluster.test_api_server import TAKEN, define_flink
from tests.cluster.test_chart import BUCKETS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

RELEASE = "table"
OURS = f"/api/v1/namespaces/{NAMESPACE}"
CRON = f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs/extract"
FLINK = f"/apis/flink.apache.org/v1beta1/namespaces/{NAMESPACE}/flinkdeployments/flink"
IN_BUCKETS = {"objectStore": True, "options": BUCKETS}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One with the namespace as `k8s/base` makes it, and which knows FlinkDeployments."""
    with api_server(tmp_path_factory.mktemp("api"), tuple(free_ports(3))) as started:
        define_flink(started)
        namespace = named(rendered("overlays/cpu"), "Namespace", NAMESPACE)
        assert started.apply(namespace).status in TAKEN
        yield started


@pytest.fixture(scope="module")
def asked(server, tmp_path_factory):
    """Runs Helm against the server."""
    environment = {
        "HELM_KUBEAPISERVER": server.url,
        "HELM_KUBECAFILE": str(server.certificate),
        "HELM_KUBETOKEN": ADMIN,
        "HELM_NAMESPACE": NAMESPACE,
        "HELM_CACHE_HOME": str(tmp_path_factory.mktemp("helm")),
    }

    def ask(*arguments, values=None):
        return helm(*arguments, values=values, environment=environment)

    return ask


def test_it_is_installed_upgraded_and_removed(server, asked):
    done = asked("install", RELEASE, CHART, values={"schedules": True})
    assert done.returncode == 0, done.stderr
    assert "violate PodSecurity" not in done.stderr  # of which the server would warn
    assert "is not held to the standard" not in done.stdout
    assert "/table/features is brought up to /images" in done.stdout
    flink = server.request("GET", FLINK).body["spec"]
    assert flink["taskManager"]["podTemplate"]["spec"]["topologySpreadConstraints"]
    assert server.request("GET", CRON).body["spec"]["schedule"] == "0 1 * * *"

    wanted = {"at": {"extract": "0 2 * * *"}, "components": ["openshift"]}
    done = asked("upgrade", RELEASE, CHART, values=wanted)
    assert done.returncode == 0, done.stderr
    cron = server.request("GET", CRON).body["spec"]
    assert cron["schedule"] == "0 2 * * *"
    pod = cron["jobTemplate"]["spec"]["template"]["spec"]
    assert "runAsUser" not in pod["securityContext"]
    assert server.request("GET", CRON.replace("extract", "tidy")).status == 404

    done = asked("upgrade", RELEASE, CHART, values={"job": "train"})
    assert done.returncode != 0
    assert "job: train would leave nothing of the release but that Job" in done.stderr
    assert server.request("GET", CRON).status == 200

    done = asked("uninstall", RELEASE)
    assert done.returncode == 0, done.stderr
    assert server.request("GET", CRON).status == 404
    claim = server.request("GET", f"{OURS}/persistentvolumeclaims/table")
    assert claim.status == 200
    assert "deletionTimestamp" not in claim.body["metadata"]

    # The claims that stayed are this release's still; one pod would want others.
    other = asked("install", RELEASE, CHART, values={"runner": "local"})
    assert other.returncode != 0
    assert "the claim images is ReadWriteMany, and runner: local wants ReadWriteOnce" in (
        other.stderr
    )
    again = asked("install", RELEASE, CHART, "--dry-run=server", values={})
    assert again.returncode == 0, again.stderr


MISSING = {
    "a secret": (IN_BUCKETS, "the secret object-store is not in the namespace frozen-features"),
    "a registry's password": (
        {"components": ["private-registry"]},
        "the secret registry is not in the namespace",
    ),
    "an authority": ({"components": ["private-ca"]}, "the config map private-ca is not in"),
    "a class of priority": (
        {"components": ["priority"]},
        "there is no priority class frozen-features",
    ),
    "a class of storage": (
        {"claims": {"storageClass": "nsf"}},
        "claims.storageClass is nsf, and the cluster has no such class",
    ),
}


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_said_before_anything_is_made(what, server, asked):
    values, said = MISSING[what]
    done = asked("install", "other", CHART, values=values)
    assert done.returncode != 0
    (line,) = [each for each in done.stderr.splitlines() if said in each]
    assert line.startswith("Error: ")
    assert server.request("GET", CRON).status == 404
    assert asked("list", "--all-namespaces", "--short").stdout.split() == []


def test_with_the_secret_it_goes_on(server, asked):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "object-store", "namespace": NAMESPACE},
        "data": {"AWS_REGION": base64.b64encode(b"eu-west-1").decode()},
    }
    assert server.apply(secret).status in TAKEN
    done = asked("install", "other", CHART, "--dry-run=server", values=IN_BUCKETS)
    assert done.returncode == 0, done.stderr
    assert "kind: PersistentVolumeClaim" not in done.stdout
