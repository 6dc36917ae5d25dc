"""Every pod of every overlay: what it may do, what it takes, and that all it names is there."""

import pytest

from tests.cluster.manifests import (
    ALL,
    ANOTHER,
    CONSOLE,
    OVERLAYS,
    SCHEDULES,
    WITH_FLINK,
    named,
    of_kind,
    pods,
    quantity,
    rendered,
)

pytestmark = pytest.mark.cluster


def all_pods(place):
    found = list(pods(rendered(place)))
    assert len(found) == (3 if place in WITH_FLINK else 4 if place == SCHEDULES else 1)
    return found


def around(place):
    """What is in the cluster when a pod of this place starts."""
    return rendered(place) if place in OVERLAYS else (*rendered(OVERLAYS[0]), *rendered(place))


@pytest.mark.parametrize("place", ALL)
def test_pods_are_locked_down(place):
    for pod in all_pods(place):
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.spec["enableServiceLinks"] is False
        for container in pod.containers():
            own = container["securityContext"]
            where = f"{pod.owner} {container['name']}"
            assert own["readOnlyRootFilesystem"] is True, where
            assert own["allowPrivilegeEscalation"] is False, where
            assert own["capabilities"] == {"drop": ["ALL"]}, where
            user = {**context, **own}["runAsUser"]
            assert user == (9999 if container["name"] == "flink-main-container" else 10001), where
            assert "/tmp" in {m["mountPath"] for m in container["volumeMounts"]}, where


@pytest.mark.parametrize("place", ALL)
def test_every_container_has_requests_and_limits(place):
    for pod in all_pods(place):
        for container in pod.containers():
            resources, where = container["resources"], f"{pod.owner} {container['name']}"
            for kind in ("cpu", "memory", "ephemeral-storage"):
                assert quantity(resources["requests"][kind]) > 0, where
                assert quantity(resources["requests"][kind]) <= quantity(resources["limits"][kind])
            # What a process is measured to need it must surely get: memory is never overcommitted.
            assert resources["requests"]["memory"] == resources["limits"]["memory"], where
        scratch = [v["emptyDir"] for v in pod.spec["volumes"] if "emptyDir" in v]
        assert scratch
        assert all("sizeLimit" in volume for volume in scratch), pod.owner


@pytest.mark.parametrize("place", ALL)
def test_scratch_fits_the_disk_that_is_promised(place):
    for pod in all_pods(place):
        disk = sum(
            quantity(c["resources"]["limits"]["ephemeral-storage"]) for c in pod.containers()
        )
        scratch = [v["emptyDir"] for v in pod.spec["volumes"] if "emptyDir" in v]
        on_disk = [v for v in scratch if v.get("medium") != "Memory"]
        assert sum(quantity(v["sizeLimit"]) for v in on_disk) <= disk, pod.owner


def test_memory_is_what_was_measured_and_a_quarter():
    for place, role, measured in (
        ("overlays/cpu", "worker", 2041 + 175),
        ("overlays/cpu", "extract", 2041 + 347),
        ("overlays/local", "extract", 2041),
        ("overlays/gpu", "worker", 2041 + 175),
        ("jobs/evaluate", "trainer", 828),
        ("jobs/predict", "trainer", 1398),
        ("jobs/report", "trainer", 1245),
        ("jobs/console", "trainer", 1398),
    ):
        (memory,) = [
            quantity(c["resources"]["limits"]["memory"]) / 2**20
            for pod in pods(rendered(place))
            for c in pod.containers()
            if c["name"] == role
        ]
        assert memory >= 1.25 * measured


@pytest.mark.parametrize("place", ALL)
def test_work_ends_by_itself(place):
    for document in rendered(place):
        if document["kind"] == "CronJob":
            spec = document["spec"]
            assert spec["concurrencyPolicy"] == "Forbid"
            assert 0 < spec["startingDeadlineSeconds"] < 86_400
            assert spec["timeZone"] == "Etc/UTC"
            job = spec["jobTemplate"]["spec"]
            assert job["activeDeadlineSeconds"] < 86_400
        elif document["kind"] == "Job":
            job = document["spec"]
        else:
            continue
        assert job["activeDeadlineSeconds"] > 0
        assert 0 < job["backoffLimit"] <= 3
        assert job["ttlSecondsAfterFinished"] > 0
        template = job["template"]["spec"]
        assert template["restartPolicy"] == "Never"  # which the rules below need
        wrong = job["podFailurePolicy"]["rules"][0]
        assert wrong["action"] == "FailJob"
        assert 2 in wrong["onExitCodes"]["values"]
        assert wrong["onExitCodes"]["containerName"] == template["containers"][0]["name"]


@pytest.mark.parametrize("place", ALL)
def test_all_that_is_named_is_there(place):
    documents = around(place)
    names = {
        kind: {d["metadata"]["name"] for d in of_kind(documents, kind)}
        for kind in ("PersistentVolumeClaim", "ServiceAccount", "ConfigMap")
    }
    for pod in all_pods(place):
        assert pod.spec["serviceAccountName"] in names["ServiceAccount"]
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert claim in names["PersistentVolumeClaim"]
            if "secret" in volume:
                assert volume["secret"]["optional"] is True
        used = set()
        for container in pod.containers():
            used |= {mount["name"] for mount in container["volumeMounts"]}
            for source in container.get("envFrom", []):
                if "configMapRef" in source:
                    assert source["configMapRef"]["name"] in names["ConfigMap"]
                else:
                    assert source["secretRef"] == {"name": "object-store", "optional": True}
        assert used == volumes.keys(), pod.owner


@pytest.mark.parametrize("place", ALL)
def test_one_pod_alone_gets_a_token(place):
    for account in of_kind(rendered(place), "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    with_token = [p for p in all_pods(place) if p.spec["automountServiceAccountToken"]]
    assert [p.labels["component"] for p in with_token] == ["jobmanager"] * (place in WITH_FLINK)
    roles = of_kind(rendered(place), "Role")
    if place not in WITH_FLINK:
        assert not roles
        return
    ((role,), (binding,)) = roles, of_kind(rendered(place), "RoleBinding")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    (subject,) = binding["subjects"]
    assert subject["name"] == with_token[0].spec["serviceAccountName"]
    assert subject["namespace"] == "frozen-features"
    assert not {"*", "secrets"} & {r for rule in role["rules"] for r in rule["resources"]}
    assert "*" not in {verb for rule in role["rules"] for verb in rule["verbs"]}


@pytest.mark.parametrize("place", OVERLAYS)
def test_no_secret_is_in_the_manifests(place):
    assert not of_kind(rendered(place), "Secret")
    assert not [
        e
        for pod in pods(rendered(place))
        for c in pod.containers()
        for e in c.get("env", [])
        if "KEY" in e["name"] or "SECRET" in e["name"] or "TOKEN" in e["name"]
        if e != {"name": "FROZEN_FEATURES_CACHE_KEY", "value": "/cache-key/cache.key"}  # a place
    ]


@pytest.mark.parametrize("place", ALL)
def test_who_need_not_fill_the_cache_cannot_write_it(place):
    fills = place in (*OVERLAYS, ANOTHER, CONSOLE)
    with_cache = 0
    for pod in all_pods(place):
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        for container in pod.containers():
            mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
            variables = {each["name"]: each.get("value") for each in container.get("env", [])}
            if "cache" not in mounts:
                continue
            with_cache += 1
            assert variables["FROZEN_FEATURES_CACHE"] == mounts["cache"]["mountPath"]
            writes = fills and container["name"] in ("extract", "trainer")
            claim = volumes["cache"]["persistentVolumeClaim"]
            assert mounts["cache"].get("readOnly", False) is not writes, pod.owner
            assert claim.get("readOnly", False) is not writes, pod.owner
            # A key knows what was kept here before; a read-only mount needs none.
            assert ("cache-key" in mounts) is writes, pod.owner
            assert ("FROZEN_FEATURES_CACHE_KEY" in variables) is writes, pod.owner
            if writes:
                mount, secret = mounts["cache-key"], volumes["cache-key"]["secret"]
                assert mount["readOnly"] is True
                assert mount["mountPath"] == "/cache-key"
                assert (secret["optional"], secret["defaultMode"]) == (True, 0o400)
    containers = {"overlays/dataflow": 0, SCHEDULES: 5, **dict.fromkeys(WITH_FLINK, 2)}
    assert with_cache == containers.get(place, 1)


def test_the_namespace_admits_restricted_pods_only():
    for place in OVERLAYS:
        labels = named(rendered(place), "Namespace", "frozen-features")["metadata"]["labels"]
        for mode in ("enforce", "audit", "warn"):
            assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
