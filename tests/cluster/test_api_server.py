"""A real API server takes every overlay and job, and refuses what would not be safe."""

import copy
import time

import pytest

from tests.cluster.api_servers import api_server
from tests.cluster.flink import free_ports
from tests.cluster.manifests import (
    ANOTHER,
    CONSOLE,
    JOBS,
    OVERLAYS,
    SCHEDULES,
    named,
    operator_definition,
    rendered,
    with_components,
)
from tests.cluster.test_manifest_components import ALL_ON

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

TAKEN = (200, 201)
DEFINED_SECONDS = 30


def define_flink(server):
    """Let a server know FlinkDeployments, as installing the operator would."""
    assert server.apply(operator_definition()).status in TAKEN
    until = time.monotonic() + DEFINED_SECONDS
    while server.request("GET", "/apis/flink.apache.org/v1beta1").status != 200:
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.fixture(scope="module", params=OVERLAYS)
def applied(request, tmp_path_factory):
    """A server of its own for each overlay, and what it said to the overlay and then the jobs."""
    folder = tmp_path_factory.mktemp("api")
    with api_server(folder, tuple(free_ports(3))) as server:
        define_flink(server)
        documents = [
            d
            for place in (request.param, *JOBS, CONSOLE, ANOTHER, SCHEDULES)
            for d in rendered(place)
        ]
        yield server, documents, [server.apply(document) for document in documents]


def test_everything_is_taken_without_a_warning(applied):
    _, documents, answers = applied
    for document, answer in zip(documents, answers, strict=True):
        where = f"{document['kind']} {document['metadata']['name']}"
        assert answer.status in TAKEN, f"{where}: {answer.body.get('message')}"
        # Here a pod that the namespace would not admit is told of, before any is made.
        assert answer.warnings == (), where


def without_books(body):
    """An object without what the server notes down about it."""
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}


def test_applying_it_again_changes_nothing(applied):
    server, documents, answers = applied
    for document, first in zip(documents, answers, strict=True):
        again = server.apply(document)
        assert again.status in TAKEN, again.body.get("message")
        assert without_books(again.body) == without_books(first.body)


def test_the_server_does_judge(applied):
    """What the tests above pass by is refused or warned of when it is wrong."""
    server, documents, _ = applied
    cron = copy.deepcopy(named(tuple(documents), "CronJob", "extract"))
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    del pod["securityContext"]["runAsNonRoot"]
    (warning,) = server.apply(cron, dry_run=True).warnings
    assert "runAsNonRoot" in warning
    alone = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "frozen-features"},
        "spec": {**pod, "restartPolicy": "Never"},
    }
    refused = server.apply(alone, dry_run=True)
    assert refused.status == 403
    assert "violates PodSecurity" in refused.body["message"]
    cron["spec"]["schedule"] = "every night"
    assert server.apply(cron, dry_run=True).status == 422
    cron["spec"] = {**cron["spec"], "schedule": "0 1 * * *", "concurencyPolicy": "Forbid"}
    unknown = server.apply(cron, dry_run=True)
    assert unknown.status == 500  # so it says of apply; strictness is what matters
    assert "concurencyPolicy" in unknown.body["message"]


@pytest.mark.parametrize("applied", ["overlays/gpu"], indirect=True)
def test_all_components_together_are_taken_without_a_warning(applied, tmp_path):
    server, _, _ = applied
    for place in ("overlays/gpu", SCHEDULES):
        for document in with_components(tmp_path, place, *ALL_ON):
            answer = server.apply(document, dry_run=True)
            where = f"{document['kind']} {document['metadata']['name']}"
            assert answer.status in TAKEN, f"{where}: {answer.body.get('message')}"
            assert answer.warnings == (), where
