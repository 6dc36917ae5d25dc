"""What `k8s/components` changes for each kind of cluster, and that it fits everything else."""

import pytest
import yaml

from pipelines.shards.beam_flags import check_beam_flags
from tests.cluster.manifests import K8S, SCHEDULES, named, of_kind, pods, rendered, with_components
from tests.cluster.test_manifest_network import admitted, block_admits, peer_admits
from tests.cluster.test_manifests import validate

pytestmark = pytest.mark.cluster

COMPONENTS = (
    *("eks", "gke", "aks", "openshift", "private-registry", "private-ca"),
    *("priority", "spot", "elastic"),
)
ALL_ON = ("object-store", *(f"components/{name}" for name in COMPONENTS))
PLACE = "overlays/gpu"
METADATA = "169.254.169.254"
WORKER = {"app": "flink", "component": "taskmanager"}


def test_the_site_offers_all_that_there_are():
    assert {each.name for each in (K8S / "components").iterdir()} == set(COMPONENTS)


@pytest.fixture(scope="module")
def on(tmp_path_factory):
    """The GPU overlay with one component on, each rendered when it is first asked for."""
    known = {}

    def rendered_with(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            known[name] = with_components(folder, PLACE, "object-store", f"components/{name}")
            for document in known[name]:
                validate(document)
        return known[name]

    return rendered_with


def reaches(documents, address, port, labels=WORKER):
    policies = of_kind(documents, "NetworkPolicy")
    return admitted(policies, labels, "Egress", lambda peer: block_admits(peer, address), port)


def resolves(documents, labels, namespace, port):
    policies = of_kind(documents, "NetworkPolicy")
    matches = lambda peer: peer_admits(peer, labels, namespace)  # noqa: E731
    return admitted(policies, WORKER, "Egress", matches, port)


def worker_of(documents):
    (pod,) = [p for p in pods(documents) if p.labels.get("component") == "taskmanager"]
    return pod


def test_stores_are_reached_by_both_families_and_no_node_s_own_identity_is(on):
    documents = on("priority")
    for address in ("52.218.0.1", "2a05:d050::1"):
        assert reaches(documents, address, 443)
    for address in (METADATA, "fd00:ec2::254", "fe80::1", "169.254.170.23", "fd00:ec2::23"):
        assert not reaches(documents, address, 80)
        assert not reaches(documents, address, 443)


def test_on_eks_the_pod_identity_agent_is_reached_and_not_the_node_s_role(on):
    for address in ("169.254.170.23", "fd00:ec2::23"):
        assert reaches(on("eks"), address, 80)
        assert not reaches(on("eks"), address, 80, {"app": "flink", "component": "jobmanager"})
    for address in (METADATA, "fd00:ec2::254"):
        assert not reaches(on("eks"), address, 80)


def test_on_gke_identity_and_the_node_s_resolver_are_reached(on):
    assert reaches(on("gke"), METADATA, 80)
    assert reaches(on("gke"), "169.254.169.252", 988)
    assert reaches(on("gke"), "169.254.20.10", 53)
    assert reaches(on("gke"), METADATA, 53)
    assert resolves(on("gke"), {"k8s-app": "node-local-dns"}, "kube-system", 53)
    assert resolves(on("gke"), {"k8s-app": "kube-dns"}, "kube-system", 53)


def test_on_openshift_names_resolve_and_users_are_not_named(on):
    documents = on("openshift")
    own = {"dns.operator.openshift.io/daemonset-dns": "default"}
    assert resolves(documents, own, "openshift-dns", 5353)
    assert "runAsUser" not in str(documents)
    assert "fsGroup'" not in str(documents)
    assert all(p.spec["securityContext"]["runAsNonRoot"] is True for p in pods(documents))


def test_on_aks_its_taint_is_tolerated_besides_the_others(on):
    keys = {each["key"] for each in worker_of(on("aks")).spec["tolerations"]}
    assert keys == {"sku", "nvidia.com/gpu"}


def test_accounts_have_the_registry_s_password(on):
    documents = on("private-registry")
    accounts = of_kind(documents, "ServiceAccount")
    assert {each["metadata"]["name"] for each in accounts} >= {
        pod.spec["serviceAccountName"] for pod in pods(documents)
    }
    assert all(each["imagePullSecrets"] == [{"name": "registry"}] for each in accounts)


def test_spot_nodes_are_preferred_and_cards_are_still_wanted(on):
    spec = worker_of(on("spot")).spec
    keys = {each["key"] for each in spec["tolerations"]}
    assert keys == {
        "cloud.google.com/gke-spot",
        "kubernetes.azure.com/scalesetpriority",
        "spot",
        "nvidia.com/gpu",
    }
    assert spec["affinity"]["nodeAffinity"].keys() == {
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    }
    others = [p for p in pods(on("spot")) if p.labels.get("component") != "taskmanager"]
    assert all("tolerations" not in p.spec for p in others)


def test_an_elastic_run_waits_for_no_worker(on):
    template = named(on("elastic"), "CronJob", "extract")["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    *others, mode = container["args"]
    assert mode == "--execution_mode_for_batch=BATCH_FORCED"
    check_beam_flags([mode], [])
    (plain,) = [d for d in rendered(PLACE) if d["kind"] == "CronJob"]
    template = plain["spec"]["jobTemplate"]["spec"]["template"]
    assert others == template["spec"]["containers"][0]["args"]


def test_batch_work_gives_way_and_displaces_nobody(on):
    (made,) = yaml.safe_load_all((K8S / "components" / "priority" / "class.yaml").read_text())
    validate(made)
    assert made["value"] < 0
    assert made["preemptionPolicy"] == "Never"
    for pod in pods(on("priority")):
        assert pod.spec["priorityClassName"] == made["metadata"]["name"]


def test_a_drain_leaves_a_worker():
    budget = named(rendered(PLACE), "PodDisruptionBudget", "taskmanager")
    assert budget["spec"]["minAvailable"] == 1
    assert (
        budget["spec"]["selector"]["matchLabels"].items()
        <= worker_of(rendered(PLACE)).labels.items()
    )


@pytest.mark.parametrize("place", [PLACE, SCHEDULES, "jobs/train"])
def test_all_components_fit_together(tmp_path, place):
    documents = with_components(tmp_path, place, *ALL_ON)
    for document in documents:
        validate(document)
    for pod in pods(documents):
        volumes = {each["name"] for each in pod.spec["volumes"]}
        for container in pod.containers():
            mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
            assert mounts.keys() <= volumes
            if container["name"] == "flink-main-container":  # reads no store
                continue
            variables = {each["name"]: each.get("value") for each in container["env"]}
            assert variables["SSL_CERT_FILE"] == f"{mounts['private-ca']}/ca.crt"
        assert pod.spec["priorityClassName"] == "frozen-features"
    if place == "jobs/train":
        assert len(documents) == 1
