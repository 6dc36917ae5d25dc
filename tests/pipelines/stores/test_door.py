"""What answers in a store's place, or does not, is told in seconds and in one line."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from pipelines import describe, extract
from pipelines.images.listing import name_images
from pipelines.stores import clients, door
from pipelines.stores.objects import StoreAwayError
from pipelines.stores.places import parse_place

PAGE = b"<html><head><title>Log in</title></head><body>Welcome</body></html>"
XML = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"


def answer(status: str, kind: str, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


DESCRIBED = "Last-Modified: Sun, 22 Nov 2026 03:00:00 GMT\r\nETag: 'a'\r\n"
PAGES = {
    "a page": answer("200 OK", "text/html", PAGE),
    "a page with a date": answer("200 OK", "text/html", PAGE, DESCRIBED),
    "nothing": answer("200 OK", "text/plain", b""),
}


@contextlib.contextmanager
def server(says: bytes, pause: float = 0.0) -> Iterator[str]:
    """What says the same to everybody: at once, or a byte a pause; or b"" for ever nothing."""
    ended = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while asked := connection.recv(1 << 16):
                body = says if not asked.startswith(b"HEAD") else says.partition(b"\r\n\r\n")[0]
                body += b"\r\n\r\n" if says and asked.startswith(b"HEAD") else b""
                for at in range(0, len(body), 1 if pause else max(1, len(body))):
                    connection.sendall(body[at:] if not pause else body[at : at + 1])
                    if ended.wait(pause):
                        return

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listening.accept()[0],)))
                threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        threads[0].join()


@pytest.fixture
def reached(monkeypatch):
    """Make a server the store of both kinds."""
    monkeypatch.setattr(clients, "DOOR_SECONDS", 1)

    def reach(endpoint: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)

    return reach


@pytest.mark.parametrize(("says", "pause"), [(b"", 0.0), (PAGES["a page"], 0.5)])
@pytest.mark.parametrize("place", ["s3://bucket/t", "gs://bucket/t"])
def test_a_store_that_is_silent_or_drips(reached, capsys, tmp_path, says, pause, place):
    with server(says, pause) as endpoint:
        reached(endpoint)
        began = time.monotonic()
        assert describe.main(["--table", place]) == 1
        assert time.monotonic() - began < 5.0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: cannot reach")
    assert "no answer from the store" in line


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("place", ["s3://bucket", "gs://bucket"])
def test_a_page_in_a_store_s_place_is_no_empty_store(reached, capsys, tmp_path, page, place):
    with server(PAGES[page]) as endpoint:
        reached(endpoint)
        assert describe.main(["--table", f"{place}/t"]) == 1
        for name in ("images", "images.csv"):
            given = ["--input", f"{place}/{name}", "--table", str(tmp_path / "t")]
            assert extract.main(given) == 1
        with pytest.raises(StoreAwayError, match="is no store"):
            name_images([f"{place}/a.jpg"])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert f"what answers at {endpoint} is no store" in line


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "400 Bad Request"])
def test_a_store_that_has_not_what_it_is_asked_for_is_one(reached, status):
    with server(answer(status, "application/xml", XML)) as endpoint:
        reached(endpoint)
        for scheme in ("s3", "gs"):
            door.require_store(parse_place(f"{scheme}://bucket/{status[:3]}"))


@pytest.mark.parametrize("pattern", ["x-*.tar", "x-{0..3}.zip"])
def test_packed_files_are_looked_for_on_a_store_only(reached, capsys, tmp_path, pattern):
    with server(PAGES["a page with a date"]) as endpoint:
        reached(endpoint)
        given = ["--input", f"s3://bucket/{pattern}", "--table", str(tmp_path / "t")]
        assert extract.main(given) == 1
    assert "is no store" in capsys.readouterr().err
