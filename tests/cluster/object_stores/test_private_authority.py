"""A store whose certificate is of an authority of one's own: one variable, for all clients."""

import subprocess
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from deltalake import DeltaTable

from pipelines.stores import clients, door
from pipelines.stores.complaints import complaint
from pipelines.stores.objects import StoreAwayError, list_objects
from pipelines.stores.places import parse_place
from tests.cluster.s3_server import BUCKET, s3_server

pytestmark = pytest.mark.cluster

PLACE = parse_place(f"s3://{BUCKET}/some")
KEYS = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
# Python 3.13 holds certificates to all of RFC 5280, which wants the uses and identifiers of keys.
USES = "keyUsage=critical,keyCertSign,cRLSign"
NAMES = """\
subjectAltName=DNS:localhost,IP:127.0.0.1
basicConstraints=critical,CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with `ca.crt`, an authority's, and `server`, a certificate of it with its key."""
    here = tmp_path_factory.mktemp("authority")
    ours = ["-keyout", here / "ca.key", "-out", here / "ca.crt"]
    openssl("req", "-x509", *KEYS, "-days", "2", "-subj", "/CN=Ours", "-addext", USES, *ours)
    theirs = ["-keyout", here / "key", "-out", here / "csr"]
    openssl("req", *KEYS, "-subj", "/CN=localhost", *theirs)
    (here / "names").write_text(NAMES)
    by = ["-CA", here / "ca.crt", "-CAkey", here / "ca.key", "-CAcreateserial"]
    signed = ["-days", "2", "-extfile", here / "names", "-out", here / "crt"]
    openssl("x509", "-req", "-in", here / "csr", *by, *signed)
    (here / "server").write_bytes((here / "crt").read_bytes() + (here / "key").read_bytes())
    return here


@pytest.fixture
def server(authority, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.crt"))
    with s3_server(tmp_path, certificate=authority / "server") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def through_obstore():
    return [each.key for page in list_objects(PLACE.folder) for each in page]


def through_delta():
    return DeltaTable.is_deltatable(PLACE.uri, storage_options=clients.delta_options(PLACE))


def through_arrow():
    everything = pafs.FileSelector("", allow_not_found=True)
    return clients.open_filesystem(PLACE).get_file_info(everything)


def test_all_three_clients_take_the_variable_and_tell_of_what_they_do_not_trust(
    server, monkeypatch
):
    clients.open_filesystem(PLACE).open_output_stream("a").close()
    assert through_obstore() == ["some/a"]
    assert through_delta() is False
    assert [each.path for each in through_arrow()] == ["a"]
    door.require_store(PLACE)
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr(clients, "RETRIES", 0)
    monkeypatch.setattr(clients, "ARROW_TRIES", 1)
    for cached in (clients._bucket, clients._filesystem, door._ask):
        cached.cache_clear()
    with pytest.raises(StoreAwayError, match=r"its certificate is not trusted .* SSL_CERT_FILE"):
        door.require_store(PLACE)
    for ask in (through_delta, through_arrow):
        with pytest.raises(OSError, match=r".") as told:
            ask()
        assert complaint(told.value, PLACE).startswith("its certificate is not trusted (")
