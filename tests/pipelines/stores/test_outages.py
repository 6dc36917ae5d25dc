"""An outage is told from damage: what clients say of stores, files and each other."""

import errno

import pytest

from pipelines.errors import CommitRefusedError, TableError
from pipelines.stores import clients
from pipelines.stores.objects import StoreGoneError
from pipelines.stores.outages import is_gone, is_outage
from pipelines.stores.reading import read_bytes
from pipelines.table.feature_table import FeatureTable
from pipelines.table.receipts import read_receipt
from pipelines.table.storage import delta_errors, open_delta, open_folder

ARROW = "When reading information for key 't/data/x' in bucket 'b': AWS Error "
DELTA = "Generic S3 error\n Error performing GET http://s/b/t in 1ms - "


@pytest.fixture
def away(monkeypatch):
    """A place on a store that nobody serves."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setattr(clients, "RETRIES", 0)
    monkeypatch.setattr(clients, "ARROW_TRIES", 1)
    return "s3://bucket/away"


def test_every_client_s_error_of_a_store_that_is_away_is_an_outage(away):
    def log() -> None:
        with delta_errors(away, "open"):
            open_delta(away)

    for look in (
        lambda: FeatureTable.open(away),
        lambda: read_bytes(f"{away}/image.jpg"),
        lambda: open_folder(away).get_file_info("data/x.parquet"),
        lambda: read_receipt(open_folder(away), "data/x.parquet"),
        log,
    ):
        with pytest.raises((TableError, OSError)) as raised:
            look()
        assert is_outage(raised.value), raised.value


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (OSError(ARROW + "NETWORK_CONNECTION during HeadObject operation: curlCode: 7"), True),
        (OSError(ARROW + "SLOW_DOWN during GetObject operation: Please reduce"), True),
        (OSError(ARROW + "ACCESS_DENIED during HeadObject operation: No response body."), True),
        (OSError(ARROW + "UNKNOWN (HTTP status 503) during GetObject operation"), True),
        (OSError(ARROW + "UNKNOWN (HTTP status 416) during GetObject operation"), False),
        (OSError(ARROW + "NO_SUCH_KEY during GetObject operation: gone"), False),
        (OSError("google::cloud::Status(UNAVAILABLE: Retry policy exhausted)"), True),
        (OSError("google::cloud::Status(NOT_FOUND: no such object)"), False),
        (OSError(DELTA + "HTTP error: error sending request"), True),
        (OSError(DELTA + "Server returned non-2xx status code: 403 Forbidden"), True),
        (OSError(DELTA + "Server returned non-2xx status code: 503 Service Unavailable"), True),
        (OSError(DELTA + "Server returned non-2xx status code: 404 Not Found"), False),
        (StoreGoneError("10 times in a row: no answer"), True),
        (OSError(errno.EACCES, "Permission denied"), True),
        (OSError(errno.ESTALE, "Stale file handle"), True),
        (OSError(errno.ENOENT, "No such file or directory"), False),
        (OSError("Unexpected end of stream: expected 512 Bytes, got 500 Only"), False),
        (OSError("CRC checksum verification failed"), False),
        (TableError("data/503 Service Unavailable.parquet is not a finished file"), False),
        (CommitRefusedError("nothing was committed"), False),
    ],
)
def test_what_an_error_tells(error, outage):
    assert is_outage(error) == outage
    wrapped = TableError("a data file is missing or damaged")
    wrapped.__cause__ = error
    assert is_outage(wrapped) == outage


@pytest.mark.parametrize(
    ("number", "gone"),
    [
        *[(errno.ENOENT, True), (errno.ENOTDIR, True), (errno.EISDIR, True), (errno.ELOOP, True)],
        *[(errno.EACCES, False), (errno.EIO, False), (errno.ETIMEDOUT, False)],
    ],
)
def test_a_file_that_is_gone(number, gone):
    assert is_gone(OSError(number, "why")) == gone
