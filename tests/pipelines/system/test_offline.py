"""Where the environment forbids to fetch, Python's own `urlopen` says so and asks nobody."""

import functools
import http.server
import threading
import urllib.request

import pytest

from pipelines.system.offline import is_offline, nothing_fetched


@pytest.fixture
def address(tmp_path):
    (tmp_path / "there").write_text("fetched", encoding="utf-8")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    asked: list[str] = []
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/there", asked
        server.shutdown()


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("value", ["1", "true", "YES", " on ", "what"])
def test_whatever_is_not_a_no_forbids(monkeypatch, value):
    monkeypatch.setenv("FROZEN_FEATURES_OFFLINE", value)
    assert is_offline()


@pytest.mark.parametrize("value", ["", " ", "0", "False", "no", "OFF"])
def test_a_no_allows(monkeypatch, value):
    monkeypatch.setenv("FROZEN_FEATURES_OFFLINE", value)
    assert not is_offline()
    monkeypatch.delenv("FROZEN_FEATURES_OFFLINE")
    assert not is_offline()


def test_nothing_is_fetched_while_it_is_forbidden(monkeypatch, address, tmp_path):
    url, asked = address
    with nothing_fetched():
        assert fetched(url) == "fetched"
    monkeypatch.setenv("FROZEN_FEATURES_OFFLINE", "1")
    said = f"FROZEN_FEATURES_OFFLINE forbids to fetch {url}"
    with nothing_fetched():
        for call in (
            fetched,
            functools.partial(urllib.request.urlretrieve, filename=tmp_path / "x"),
        ):
            with pytest.raises(PermissionError, match=said):
                call(url)
        with pytest.raises(PermissionError):
            fetched("https://localhost/there")
    assert asked == ["/there"]
    assert fetched(url) == "fetched"  # a commit that asks Flink's REST interface is not in its way
