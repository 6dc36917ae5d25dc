"""An image of the web is not fetched again where its server says that it is the same."""

import email.utils
import hashlib

import pytest

from pipelines.images.web_hashes import WebHashes
from pipelines.stores import web
from pipelines.stores.silent_hosts import SilentHosts
from pipelines.stores.web_addresses import ALLOW_PRIVATE
from tests.web_server import serving

FIRST, OTHER = b"\xff\xd8\xff" + bytes(range(100)), b"\xff\xd8\xff" + bytes(range(100, 200))


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setattr(web, "_silent_hosts", SilentHosts())
    monkeypatch.setenv(ALLOW_PRIVATE, "true")
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path / "cache"))
    with serving({"a.jpg": FIRST, "b.jpg": FIRST}) as running:
        yield running


def hashed(url: str) -> str:
    """As a run of its own would."""
    return WebHashes(1 << 20).sha256_of(url)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("state", ["etag", "dated", "moved/etag"])
def test_what_is_the_same_is_not_sent_again(server, state):
    url = f"{server.url}/{state}/a.jpg"
    assert hashed(url) == hashed(url) == hashed(url) == sha256(FIRST)
    assert server.unchanged.total() == 2


def test_another_content_has_another_hash(server):
    url = f"{server.url}/etag/a.jpg"
    hashed(url)
    server.images["a.jpg"] = OTHER
    assert hashed(url) == hashed(url) == sha256(OTHER)
    assert server.unchanged.total() == 1


@pytest.mark.parametrize("state", ["weak/a.jpg", "a.jpg"])
def test_what_says_nothing_of_every_byte_is_fetched(server, state):
    assert hashed(f"{server.url}/{state}") == sha256(FIRST)
    server.images["a.jpg"] = OTHER
    assert hashed(f"{server.url}/{state}") == sha256(OTHER)
    assert not server.unchanged


@pytest.mark.parametrize("modified", ["now", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", ""])
def test_a_time_of_change_that_may_stand_for_two_contents_is_none(server, modified):
    server.modified = email.utils.formatdate(usegmt=True) if modified == "now" else modified
    assert hashed(f"{server.url}/dated/a.jpg") == sha256(FIRST)
    server.images["a.jpg"] = OTHER
    assert hashed(f"{server.url}/dated/a.jpg") == sha256(OTHER)


def test_a_redirect_that_leads_elsewhere_now_is_followed(server):
    url = f"{server.url}/moved/a.jpg"
    server.moved = f"{server.url}/dated"
    assert hashed(url) == sha256(FIRST)
    server.images["b/a.jpg"] = OTHER
    server.moved = f"{server.url}/dated/b"
    assert hashed(url) == sha256(OTHER)


def test_each_image_has_a_state_of_its_own(server):
    server.images["b.jpg"] = OTHER
    for _ in range(2):
        assert hashed(f"{server.url}/dated/a.jpg") == sha256(FIRST)
        assert hashed(f"{server.url}/dated/b.jpg") == sha256(OTHER)
    assert server.unchanged.total() == 2


def test_a_cache_that_another_wrote_is_not_believed(server, tmp_path):
    url = f"{server.url}/etag/a.jpg"
    hashed(url)
    (kept,) = (tmp_path / "cache" / "web").iterdir()
    kept.write_text(kept.read_text().replace(sha256(FIRST), sha256(OTHER)))
    assert hashed(url) == sha256(FIRST)
