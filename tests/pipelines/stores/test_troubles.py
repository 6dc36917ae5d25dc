"""Stores that answer late, broken, or not at all."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.stores import clients, complaints, objects
from pipelines.stores.objects import StoreAwayError, StoreGoneError
from pipelines.stores.reading import read_bytes

BODY = b"whole"


@contextmanager
def server_that(*answers: str) -> Iterator[tuple[str, list[str]]]:
    """A server that gives one answer after the other, the last for ever; and the requests met."""
    met: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = answers[min(len(met), len(answers) - 1)]
            met.append(self.path)
            if answer == "reset":
                self.connection.close()
                return
            if answer == "503":
                self.send_error(503)
                return
            begin = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").split("-")[0])
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(BODY) - begin))
            self.send_header("Content-Range", f"bytes {begin}-{len(BODY) - 1}/{len(BODY)}")
            self.send_header("Last-Modified", "Sun, 22 Nov 2026 03:00:00 GMT")
            self.send_header("ETag", '"one"')
            self.end_headers()
            self.wfile.write(BODY[begin : 3 if answer == "cut" else None])
            if answer == "cut":
                self.connection.close()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", met
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("trouble", ["503", "reset", "cut"])
def test_a_passing_trouble_is_tried_again(trouble, monkeypatch):
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    with server_that(trouble, "whole") as (endpoint, met):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert read_bytes("s3://bucket/image.jpg") == BODY
    assert met == ["/bucket/image.jpg"] * 2


@pytest.mark.parametrize(
    ("said", "away", "blamed"),
    [
        ("SlowDown: Please reduce your request rate", True, True),
        ("InternalError: We encountered an internal error", True, True),
        ("503 Service Unavailable", True, True),
        (complaints.NO_ANSWER, True, True),
        ("InvalidAccessKeyId: no such key; check AWS_ACCESS_KEY_ID", False, True),
        ("NoSuchKey: The specified key does not exist", False, False),
        ("AccessDenied: not this one", False, False),
    ],
)
def test_what_a_store_is_blamed_for(said, away, blamed):
    assert (complaints.is_away(said), complaints.blames_the_store(said)) == (away, blamed)


def test_an_input_on_a_store_that_is_away_may_be_tried_again(monkeypatch, tmp_path, capsys):
    from pipelines.extract import main

    def away(*_):
        raise StoreAwayError("cannot list s3://bucket/images: SlowDown")

    monkeypatch.setattr("pipelines.images.at_location._list_remote", away)
    told = ["--input", "s3://bucket/images", "--table", str(tmp_path / "t")]
    assert main(told) == 1  # and not 2, on which a job is not started again
    assert capsys.readouterr().err == "error: cannot list s3://bucket/images: SlowDown\n"


def test_a_store_that_only_refuses_ends_the_work(monkeypatch):
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setattr(clients, "RETRIES", 0)
    with server_that(*["503"] * (objects.GIVE_UP - 1), "whole", "503") as (endpoint, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        for _ in range(objects.GIVE_UP - 1):
            with pytest.raises(OSError, match="503"):
                read_bytes("s3://bucket/image.jpg")
        assert read_bytes("s3://bucket/image.jpg") == BODY
        for _ in range(objects.GIVE_UP - 1):
            with pytest.raises(OSError, match="503"):
                read_bytes("s3://bucket/image.jpg")
        with pytest.raises(StoreGoneError, match=r"10 times in a row: cannot read s3.*503"):
            read_bytes("s3://bucket/image.jpg")
