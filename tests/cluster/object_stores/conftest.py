"""One S3 server, the same images and table there and on the local disk."""

import time
from pathlib import Path

import pytest

from pipelines.driver import extract
from tests.cluster.s3_server import BUCKET, S3Server, s3_server

FEATURES = {"engine": "ncnn", "shard_rows": 8}
"""One engine, so that two tables can be equal to the bit."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with (
        s3_server(tmp_path_factory.mktemp("s3")) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="module")
def uploaded(server: S3Server, dataset: Path) -> str:
    """The dataset's 88 images, old enough for their times to say that they are unchanged."""
    uri = server.upload(dataset, "images")
    time.sleep(1.1)
    return uri


@pytest.fixture(scope="module")
def local(dataset, make_job, tmp_path_factory) -> Path:
    table = tmp_path_factory.mktemp("local") / "features"
    extract(make_job(dataset, table, **FEATURES))
    return table


@pytest.fixture(scope="module")
def remote(server, uploaded, make_job) -> str:
    """The same table on the server; tests must not change it."""
    table = f"s3://{BUCKET}/tables/features"
    extract(make_job(uploaded, table, **FEATURES))
    return table


@pytest.fixture
def place(server, request) -> str:
    """A prefix of the test's own."""
    return f"s3://{BUCKET}/{request.node.name.partition('[')[0]}"
