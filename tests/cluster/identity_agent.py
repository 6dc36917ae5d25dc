"""Stands in for what gives a pod on EKS its credentials: `PORT TOKEN`, a line for each answer.

A process of its own: delta-rs keeps Python's other threads waiting while it asks.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.cluster.s3_server import KEY, SECRET


class Agent(BaseHTTPRequestHandler):
    """Gives the store's keys to whoever shows the pod's token."""

    token = ""

    def do_GET(self) -> None:
        """See `BaseHTTPRequestHandler`."""
        if self.headers["Authorization"] != self.token:
            self.send_error(401)
            return
        ends = f"{datetime.now(UTC) + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}"
        # The gateway that the tests use knows no session, so none is given.
        given = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": "", "Expiration": ends}
        body = json.dumps(given).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        print("answered", flush=True)  # before whoever asked goes on
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing but what `do_GET` says."""


if __name__ == "__main__":
    Agent.token = sys.argv[2]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Agent).serve_forever()
