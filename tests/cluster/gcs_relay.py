"""A relay in front of fake-gcs-server: puts by the XML API are said over in JSON.

Listings by the XML API begin where they were asked to, which fake-gcs-server does not heed.

A process of its own: some calls of Arrow wait for the server with Python's lock held.
"""

import html
import http.client
import json
import re
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OWN_HEADERS = {"connection", "content-length", "host", "transfer-encoding"}
"""Said anew by each side."""


class Relay(BaseHTTPRequestHandler):
    """Passes requests on to `behind`, those for a bucket's objects by the XML API in JSON."""

    protocol_version = "HTTP/1.1"
    behind = ""
    bucket = ""

    def relay(self) -> None:
        body = self._body()
        method, path, said_over = self.command, self.path, False
        first, _, key = path.partition("?")[0].lstrip("/").partition("/")
        if method == "PUT" and first == self.bucket:
            wanted = {"uploadType": "media", "name": urllib.parse.unquote(key)}
            generation = self.headers.get("x-goog-if-generation-match")
            if generation is not None:
                wanted["ifGenerationMatch"] = generation
            query = urllib.parse.urlencode(wanted)
            method, path, said_over = "POST", f"/upload/storage/v1/b/{first}/o?{query}", True
        kept = {k: v for k, v in self.headers.items() if k.lower() not in OWN_HEADERS}
        # What is said over must name the server that it reaches, or it is not taken for an upload.
        kept["Host"] = self.headers["Host"]
        connection = http.client.HTTPConnection(self.behind, timeout=30)
        try:
            connection.request(method, path, body, kept)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        asked = urllib.parse.parse_qs(self.path.partition("?")[2])
        if "start-after" in asked:
            content = listed_after(content, asked["start-after"][0])
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        if said_over and answer.status == 200:
            self.send_header("ETag", json.loads(content)["etag"])
        length = answer.getheader("Content-Length") if method == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = relay  # noqa: N815

    def log_message(self, *args) -> None:
        pass


def listed_after(listing: bytes, key: str) -> bytes:
    """A listing in XML without what comes no later than a key; fake-gcs-server gives all."""

    def kept(entry: re.Match[bytes]) -> bytes:
        return entry[0] if html.unescape(entry[1].decode()) > key else b""

    return re.sub(rb"<Contents>.*?<Key>(.*?)</Key>.*?</Contents>", kept, listing, flags=re.DOTALL)


def main(front: str, behind: str, bucket: str) -> None:
    host, _, port = front.partition(":")
    own = type("ToServer", (Relay,), {"behind": behind, "bucket": bucket})
    ThreadingHTTPServer((host, int(port)), own).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
