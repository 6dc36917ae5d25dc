"""Credentials that a node's agent gives a pod, as on EKS: asked for by all three clients."""

import sys

import pytest
from deltalake import DeltaTable

from pipelines.stores import clients
from pipelines.stores.credentials import store_access
from pipelines.stores.objects import list_objects
from pipelines.stores.places import parse_place
from tests.cluster.processes import start
from tests.cluster.s3_server import (
    BUCKET,
    free_port,
    s3_server,
    stopped_at_the_end,
    wait_until_it_answers,
)

pytestmark = pytest.mark.cluster

PLACE = parse_place(f"s3://{BUCKET}/some")
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """How often the agent gave credentials so far."""
    log, address = tmp_path / "agent.log", f"http://127.0.0.1:{free_port()}"
    (tmp_path / "token").write_text("a-token-of-the-pod")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{address}/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    module = [sys.executable, "-m", "tests.cluster.identity_agent"]
    port = address.rpartition(":")[2]
    with log.open("ab") as output:
        agent = start([*module, port, "a-token-of-the-pod"], stdout=output, stderr=output)
    with stopped_at_the_end(agent):
        wait_until_it_answers(address, agent, log)
        yield lambda: log.read_text().count("answered")


def test_all_three_clients_ask_the_agent(answers, tmp_path, monkeypatch):
    with s3_server(tmp_path / "s3") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for name in KEYS:
            monkeypatch.delenv(name)
        assert store_access("s3").credentials == "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        clients.open_filesystem(PLACE).open_output_stream("a").close()
        by_arrow = answers()
        assert [each.key for page in list_objects(PLACE.folder) for each in page] == ["some/a"]
        by_obstore = answers()
        options = clients.delta_options(PLACE)
        assert DeltaTable.is_deltatable(PLACE.uri, storage_options=options) is False
        assert 0 < by_arrow < by_obstore < answers()
