"""Images of the web: what is fetched, from whom, and within which bounds."""

import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.errors import InputError
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images, name_images
from pipelines.stores import silent_hosts, web, web_addresses
from pipelines.stores.objects import TooLargeError
from pipelines.stores.outages import is_outage
from pipelines.stores.reading import read_bytes, sha256_of
from pipelines.stores.silent_hosts import SilentHosts
from pipelines.stores.web import Patience
from pipelines.stores.web_addresses import ALLOW_PRIVATE, is_public, url_complaint
from pipelines.stores.web_connections import connections
from tests.web_server import serving

IMAGE = b"\xff\xd8\xff" + bytes(range(256)) * 40
QUICK = Patience(connect=1.0, silence=0.3, attempt=0.8, all=3.0, attempts=3, pause=0.01)
SLACK = 2.0
"""Seconds that a busy machine may add; what is not bounded takes far longer."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(web, "PATIENCE", QUICK)
    monkeypatch.setattr(web, "_silent_hosts", SilentHosts())
    monkeypatch.setenv(ALLOW_PRIVATE, "true")
    with serving({"a.jpg": IMAGE}) as running:
        yield running


@pytest.mark.parametrize("how", ["", "chunked/", "busy/", "moved/", "moved/moved/", "slow/"])
def test_an_image_is_fetched(server, how):
    assert read_bytes(f"{server.url}/{how}a.jpg?size=large#top") == IMAGE
    assert sha256_of(f"{server.url}/{how}a.jpg") == sha256_of(f"{server.url}/a.jpg")


@pytest.mark.parametrize(
    ("how", "said", "attempts"),
    [
        ("gone.jpg", "127.0.0.1 answered 404 Not Found", 1),
        ("stall/a.jpg", "did not give it: .*timed out", 3),
        ("stall_inside/a.jpg", "did not give it: .*timed out", 3),
        ("drip/a.jpg", "did not give it within 1 seconds", 1),
        ("drip_headers/a.jpg", "did not give it within 1 seconds", 1),
        ("short/a.jpg", "did not give it: .*IncompleteRead", 3),
        ("html/a.jpg", "answered with a page of HTML, and no image", 1),
        ("packed/a.jpg", "answered with packed content", 1),
        ("down/a.jpg", "answered 503 .*, and asks to wait 3600 seconds", 1),
        ("circle/a.jpg", "it is redirected more than 5 times", 6),
    ],
)
def test_what_goes_wrong_costs_one_failure_in_time(server, how, said, attempts):
    began = time.monotonic()
    with pytest.raises(OSError, match=said):
        read_bytes(f"{server.url}/{how}")
    assert time.monotonic() - began < QUICK.all + SLACK
    assert server.asked[f"/{how}"] == attempts
    # The connection that was left in the middle is not asked again.
    assert read_bytes(f"{server.url}/a.jpg") == IMAGE


@pytest.mark.parametrize("how", ["a.jpg", "endless/a.jpg", "chunked/a.jpg"])
def test_what_has_too_many_bytes_is_not_taken(server, how):
    with pytest.raises(TooLargeError):
        read_bytes(f"{server.url}/{how}", 5000)
    assert server.asked[f"/{how}"] == 1


def test_a_page_is_told_by_what_it_is(server):
    server.images = {"a.jpg": b"  <html>", "b.jpg": b"<html", "c.svg": b"<svg>"}
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(OSError, match="page of HTML"):
            read_bytes(f"{server.url}/{name}")
    assert read_bytes(f"{server.url}/c.svg") == b"<svg>"


def test_a_server_that_answers_nothing_at_all(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for scheme in ("http", "https"):
            began = time.monotonic()
            with pytest.raises(OSError, match=r"127\.0\.0\.1") as found:
                read_bytes(f"{scheme}://127.0.0.1:{port}/a.jpg")
            assert time.monotonic() - began < QUICK.all + SLACK
            assert is_outage(found.value)
    with pytest.raises(OSError, match="refused"):
        read_bytes(f"http://127.0.0.1:{port}/a.jpg")


def test_a_host_that_never_answers_is_not_asked_a_million_times(server, monkeypatch):
    monkeypatch.setattr(silent_hosts, "SECONDS", 1.0)
    for _ in range(4):
        with pytest.raises(OSError, match=r"did not give it|gave no answer"):
            read_bytes(f"{server.url}/stall/a.jpg")
    began, asked = time.monotonic(), server.asked.total()
    assert asked == silent_hosts.SILENCES
    for _ in range(100):
        with pytest.raises(OSError, match=r"127\.0\.0\.1 gave no answer 8 times in a row"):
            read_bytes(f"{server.url}/stall/a.jpg")
    assert time.monotonic() - began < SLACK
    assert server.asked.total() == asked
    time.sleep(1.0)
    assert read_bytes(f"{server.url}/a.jpg") == IMAGE


def test_connections_are_few_and_used_again(server):
    with ThreadPoolExecutor(40) as threads:
        found = threads.map(read_bytes, [f"{server.url}/slow/a.jpg"] * 80)
        assert {*found} == {IMAGE}
    assert 8 < server.most <= 16


def test_private_hosts_are_not_asked(server, monkeypatch):
    monkeypatch.delenv(ALLOW_PRIVATE)
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:7f00:1]"):
        with pytest.raises(OSError, match="--allow_private_hosts"):
            read_bytes(f"http://{host}:{server.server_port}/a.jpg")
    assert not server.asked


def test_a_redirect_is_checked_like_the_first_url(server, monkeypatch):
    monkeypatch.delenv(ALLOW_PRIVATE)
    monkeypatch.setattr(web_addresses, "is_public", lambda address: address == "127.0.0.1")
    server.moved = f"http://127.0.0.2:{server.server_port}"
    with pytest.raises(OSError, match=r"127\.0\.0\.2 is a host of this machine or of a private"):
        read_bytes(f"{server.url}/moved/a.jpg")
    assert [*server.asked] == ["/moved/a.jpg"]
    places = {"file:///etc/passwd#": "no web address", "http://u:p@x": "a user or password"}
    for place, said in places.items():
        server.moved = place
        with pytest.raises(OSError, match=said):
            read_bytes(f"{server.url}/moved/a.jpg")


def test_the_address_that_was_checked_is_the_one_that_is_asked(server, monkeypatch):
    """A name that means a public address when it is looked up, and a private one the next time."""
    monkeypatch.delenv(ALLOW_PRIVATE)
    monkeypatch.setattr(web_addresses, "is_public", lambda address: address == "127.0.0.1")
    answers, plain = ["127.0.0.1", "127.0.0.2"], socket.getaddrinfo
    looked_up = []

    def rebound(host, port, *args, **options):
        if host == "images.example":
            looked_up.append(host)
            host = answers.pop(0)
        return plain(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    url = f"http://images.example:{server.server_port}/a.jpg"
    assert read_bytes(url) == IMAGE
    assert looked_up == ["images.example"]
    assert read_bytes(url) == IMAGE  # on the connection that is open
    server.images = {}
    assert looked_up == ["images.example"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of localhost's own, and its key, in one file."""
    folder = tmp_path_factory.mktemp("certificate")
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    places = ["-keyout", folder / "key", "-out", folder / "crt"]
    command = ["openssl", "req", "-x509", *made, *name, *places]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "both").write_bytes((folder / "key").read_bytes() + (folder / "crt").read_bytes())
    return folder / "both"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_server_has_to_prove_its_name(server, certificate, monkeypatch, trusted):
    encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encryption.load_cert_chain(certificate)
    server.socket = encryption.wrap_socket(server.socket, server_side=True)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    connections.cache_clear()
    try:
        url = f"https://localhost:{server.server_port}/a.jpg"
        if trusted:
            assert read_bytes(url) == IMAGE
            with pytest.raises(OSError, match=r"127\.0\.0\.1 cannot be trusted"):
                read_bytes(url.replace("localhost", "127.0.0.1"))
        else:
            with pytest.raises(OSError, match=r"localhost cannot be trusted: .*certificate"):
                read_bytes(url)
    finally:
        connections.cache_clear()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("10.0.0.1", False),
        ("172.16.5.4", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("127.8.9.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a9fe:a9fe", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(address) == public


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://user:secret@example.org/a.jpg", "with a user or password"),
        ("https://example.org/a.jpg?X-Amz-Signature=secret", "with a signature"),
        ("http:///a.jpg", "names no host"),
        ("http://[::1/a.jpg", "is no URL"),
        ("http://example.org:99999/a.jpg", "is no URL"),
        ("http://example.org/a b.jpg", "holds a space"),
        ("http://example.org/a\r\nHost: other", "holds a space"),
    ],
)
def test_urls_that_no_manifest_may_name(tmp_path, url, said):
    assert said in url_complaint(url)
    (tmp_path / "m.csv").write_text(f'path\n"{url}"\n', newline="")
    with pytest.raises(InputError, match=f"row 1 of .*{said}") as found:
        list_images(str(tmp_path / "m.csv"))
    assert "secret" not in str(found.value)
    with pytest.raises(InputError, match=said):
        name_images([url])


def test_a_manifest_may_name_files_and_urls(tmp_path, monkeypatch):
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    (tmp_path / "a.jpg").write_bytes(IMAGE)
    (tmp_path / "m.csv").write_text("path,label\na.jpg,x\nHTTPS://example.org/b.jpg?v=1,y\n")
    found = list_images(str(tmp_path / "m.csv"), layout=Layout(private_hosts=True))
    assert [(ref.uri, ref.label, ref.bytes > 0) for ref in found] == [
        ("HTTPS://example.org/b.jpg?v=1", "y", False),
        (str(tmp_path / "a.jpg"), "x", True),
    ]
    assert web_addresses.private_hosts_allowed()
    list_images(str(tmp_path / "m.csv"))
    assert not web_addresses.private_hosts_allowed()
