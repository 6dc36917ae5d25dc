"""A server of images on loopback, that behaves as servers of the web do on their bad days."""

import contextlib
import gzip
import http.server
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping

PAGE = b"<!DOCTYPE html><title>Please log in</title>"
DRIP_SECONDS = 0.05


class Server(http.server.ThreadingHTTPServer):
    """Serves images by name; a path may begin with what is to go wrong.

    Attributes:
        images: by path, what is served.
        asked: how often each path was asked for.
        unchanged: how often each path was answered by "not modified".
        modified: the time of change of what is below /dated/.
        moved: where the path /moved/... leads, before that path.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, images: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.images, self.asked = images, Counter[str]()
        self.unchanged = Counter[str]()
        self.modified = "Sun, 06 Nov 1994 08:49:37 GMT"
        self.moved = self.url
        self.ending = threading.Event()
        self.open, self.most = 0, 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Clients go away, as is meant."""


@contextlib.contextmanager
def serving(images: Mapping[str, bytes]) -> Iterator[Server]:
    """A server with images by path, without the first slash."""
    server = Server(images)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.asked[self.path] += 1
        with server.lock:
            server.open += 1
            server.most = max(server.most, server.open)
        try:
            first, _, rest = self.path.strip("/").partition("/")
            trouble = getattr(self, f"_{first}", None)
            if trouble is not None:
                trouble(server.images.get(rest.partition("?")[0], b""), rest)
            else:
                self._answer(server.images.get(self.path.strip("/").partition("?")[0]))
        finally:
            with server.lock:
                server.open -= 1

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, content: bytes | None, **headers: str) -> None:
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        for name, value in {"Content_Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def _etag(self, content: bytes, _: str) -> None:
        self._answer_unless("If-None-Match", "ETag", f'"{zlib.crc32(content)}"', content)

    def _weak(self, content: bytes, _: str) -> None:
        self._answer_unless("If-None-Match", "ETag", f'W/"{len(content)}"', content)

    def _dated(self, content: bytes, _: str) -> None:
        self._answer_unless("If-Modified-Since", "Last-Modified", self.server.modified, content)

    def _answer_unless(self, asked: str, name: str, value: str, content: bytes) -> None:
        if self.headers.get(asked) == value:
            self.server.unchanged[self.path] += 1
            self.send_response(304)
            self.end_headers()
            return
        self._answer(content, **{name: value})

    def _slow(self, content: bytes, _: str) -> None:
        time.sleep(0.1)
        self._answer(content)

    def _stall(self, content: bytes, _: str) -> None:
        self.server.ending.wait(30)

    def _stall_inside(self, content: bytes, _: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.server.ending.wait(30)

    def _drip(self, content: bytes, _: str) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self._dripped(content)

    def _drip_headers(self, content: bytes, _: str) -> None:
        self._dripped(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1000)

    def _dripped(self, content: bytes) -> None:
        for byte in content:
            if self.server.ending.wait(DRIP_SECONDS):
                return
            self.wfile.write(bytes([byte]))

    def _short(self, content: bytes, _: str) -> None:
        self._answer(content, Content_Length=str(len(content) + 10), Connection="close")
        self.close_connection = True

    def _endless(self, _: bytes, __: str) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.ending.is_set():
            self.wfile.write(bytes(1 << 16))

    def _html(self, _: bytes, __: str) -> None:
        self._answer(PAGE, Content_Type="text/html; charset=utf-8")

    def _packed(self, content: bytes, _: str) -> None:
        self._answer(gzip.compress(content), Content_Encoding="gzip")

    def _chunked(self, content: bytes, _: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(content), 100):
            piece = content[start : start + 100]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _busy(self, content: bytes, rest: str) -> None:
        """Twice, and then not."""
        if self.server.asked[self.path] > 2:
            self._answer(content)
            return
        self.send_response(429)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _down(self, _: bytes, __: str) -> None:
        self.send_response(503)
        self.send_header("Retry-After", "3600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _moved(self, _: bytes, rest: str) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.server.moved}/{rest}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _circle(self, _: bytes, __: str) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()
