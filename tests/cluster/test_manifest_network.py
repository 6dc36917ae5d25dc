"""Network policies: who may talk to whom, worked out from the policies as a cluster would."""

import ipaddress

import pytest

from tests.cluster.manifests import JOBS, OVERLAYS, WITH_FLINK, of_kind, pods, rendered

pytestmark = pytest.mark.cluster

DNS = ("kube-dns", {"k8s-app": "kube-dns"}, "kube-system")
OPERATOR = (
    "operator",
    {"app.kubernetes.io/name": "flink-kubernetes-operator"},
    "flink-kubernetes-operator",
)
STORE = "52.218.0.1"
METADATA = "169.254.169.254"


def selected(selector, labels):
    wanted = selector.get("matchLabels", {})
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "NotIn"
        if labels.get(each["key"]) in each["values"]:
            return False
    return all(labels.get(key) == value for key, value in wanted.items())


def peer_admits(peer, labels, namespace):
    if "ipBlock" in peer:
        return False
    if "namespaceSelector" in peer:
        if not selected(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace}):
            return False
    elif namespace != "frozen-features":
        return False
    return selected(peer.get("podSelector", {}), labels)


def block_admits(peer, address):
    block = peer.get("ipBlock")
    if block is None:
        return False
    inside = [
        ipaddress.ip_address(address) in ipaddress.ip_network(n) for n in block.get("except", [])
    ]
    return ipaddress.ip_address(address) in ipaddress.ip_network(block["cidr"]) and not any(inside)


def admitted(policies, labels, direction, matches, port):
    """Whether policies let a pod with these labels talk in one direction."""
    side = "from" if direction == "Ingress" else "to"
    applying = [
        p["spec"]
        for p in policies
        if direction in p["spec"]["policyTypes"] and selected(p["spec"]["podSelector"], labels)
    ]
    assert applying, "a pod that no policy selects may do anything"
    return any(
        any(each["port"] == port for each in rule["ports"]) and any(map(matches, rule[side]))
        for spec in applying
        for rule in spec.get(direction.lower(), [])
    )


class Cluster:
    """The pods and policies of an overlay with the jobs beside it."""

    def __init__(self, place):
        self.policies = of_kind(rendered(place), "NetworkPolicy")
        found = [*pods(rendered(place)), *(p for job in JOBS for p in pods(rendered(job)))]
        self.labels = {self.role(p): p.labels for p in found}

    def role(self, pod):
        return pod.labels.get("component") or pod.labels["app.kubernetes.io/component"]

    def talk(self, sender, receiver, port):
        """Whether one pod reaches another on a port."""
        out = admitted(
            self.policies,
            self.labels[sender],
            "Egress",
            lambda peer: peer_admits(peer, self.labels[receiver], "frozen-features"),
            port,
        )
        return out and admitted(
            self.policies,
            self.labels[receiver],
            "Ingress",
            lambda peer: peer_admits(peer, self.labels[sender], "frozen-features"),
            port,
        )

    def leave(self, sender, address, port):
        """Whether a pod reaches an address outside."""
        return admitted(
            self.policies, self.labels[sender], "Egress", lambda p: block_admits(p, address), port
        )


@pytest.mark.parametrize("place", WITH_FLINK)
def test_flink_s_pods_reach_each_other_and_nothing_else_does(place):
    cluster = Cluster(place)
    (deployment,) = of_kind(rendered(place), "FlinkDeployment")
    port = {
        k: int(v) for k, v in deployment["spec"]["flinkConfiguration"].items() if k.endswith("port")
    }
    wanted = {
        ("taskmanager", "jobmanager", port["jobmanager.rpc.port"]),
        ("taskmanager", "jobmanager", port["blob.server.port"]),
        ("jobmanager", "taskmanager", port["taskmanager.rpc.port"]),
        ("jobmanager", "taskmanager", port["metrics.internal.query-service.port"]),
        ("taskmanager", "taskmanager", port["taskmanager.data.port"]),
        ("submit", "jobmanager", port["rest.port"]),
    }
    roles = ("jobmanager", "taskmanager", "submit", "trainer")
    ports = {*port.values(), 50000, 443, 22}
    found = {(a, b, p) for a in roles for b in roles for p in ports if cluster.talk(a, b, p)}
    assert found == wanted


@pytest.mark.parametrize("place", OVERLAYS)
def test_names_resolve_for_all(place):
    cluster = Cluster(place)
    _, labels, namespace = DNS
    for role in cluster.labels.values():
        for port in (53,):
            matches = lambda peer: peer_admits(peer, labels, namespace)  # noqa: E731
            assert admitted(cluster.policies, role, "Egress", matches, port)


@pytest.mark.parametrize("place", WITH_FLINK)
def test_the_operator_and_nobody_else_comes_in_from_outside(place):
    cluster = Cluster(place)
    name, labels, namespace = OPERATOR
    for role, own in cluster.labels.items():
        for stranger, where in ((labels, namespace), (labels, "default"), ({}, namespace)):
            matches = lambda peer, s=stranger, w=where: peer_admits(peer, s, w)  # noqa: E731
            may = admitted(cluster.policies, own, "Ingress", matches, 8081)
            assert may == (role == "jobmanager" and (stranger, where) == (labels, namespace)), name


@pytest.mark.parametrize("place", OVERLAYS)
def test_only_who_must_leaves_the_cluster(place):
    cluster = Cluster(place)
    leaving = {role for role in cluster.labels if cluster.leave(role, STORE, 443)}
    # The JobManager's is the Kubernetes API, whose address no manifest can know.
    wanted = {"overlays/dataflow": {"submit", "trainer"}, "overlays/local": set()}
    assert leaving == wanted.get(place, {"jobmanager"})
    for role in cluster.labels:
        assert not cluster.leave(role, METADATA, 443)
        assert not cluster.leave(role, STORE, 80)


@pytest.mark.parametrize("place", OVERLAYS)
def test_every_policy_selects_a_pod(place):
    cluster = Cluster(place)
    for policy in cluster.policies:
        chosen = [
            role
            for role, labels in cluster.labels.items()
            if selected(policy["spec"]["podSelector"], labels)
        ]
        assert chosen, policy["metadata"]["name"]
