"""A real S3 server on loopback, stopped by whoever started it."""

import contextlib
import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import S3Store

from tests.cluster.go_programs import go_program
from tests.cluster.processes import start

KEY, SECRET = "tester", "secret-of-the-tester"
BUCKET = "features"
PATIENCE = 30.0
"""Seconds in which the server must answer."""


@dataclass(frozen=True)
class S3Server:
    """A server that runs, with one bucket.

    Attributes:
        endpoint: its URL.
    """

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What a program must know to use it: what any S3 tool reads."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
        }

    def bucket(self) -> S3Store:
        return S3Store(
            BUCKET,
            endpoint=self.endpoint,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def upload(self, folder: Path, prefix: str) -> str:
        """Put a folder's files below a prefix; returns the prefix as a URI."""
        store = self.bucket()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(folder).as_posix()}"
                obstore.put(store, key, path.read_bytes())
        return f"s3://{BUCKET}/{prefix}"

    def keys(self, prefix: str) -> list[str]:
        return [meta["path"] for meta in obstore.list(self.bucket(), prefix).collect()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            # Without a context, Python 3.12 and later keep the authorities of the first call.
            context = ssl.create_default_context()
            urllib.request.urlopen(endpoint, timeout=5, context=context).close()
        except urllib.error.HTTPError:
            return  # it refuses the unsigned request, so it is there
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the server at {endpoint} does not answer:\n{log.read_text()}")


@contextlib.contextmanager
def stopped_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def s3_server(
    folder: Path, port: int | None = None, certificate: Path | None = None
) -> Iterator[S3Server]:
    """Versity's S3 gateway over a folder, with a bucket that is empty the first time.

    Args:
        folder: where its objects are.
        port: one that is free if None.
        certificate: of localhost, followed by its key, for a server that encrypts.
    """
    program = go_program("versitygw")
    for name in (f"objects/{BUCKET}", "metadata"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    address, log = f"127.0.0.1:{port or free_port()}", folder / "server.log"
    endpoint = f"http://{address}" if certificate is None else f"https://{address}"
    command = [str(program), "--port", address, "--quiet"]
    command += ["--cert", str(certificate), "--key", str(certificate)] if certificate else []
    command += ["posix"]
    command += ["--sidecar", str(folder / "metadata"), str(folder / "objects")]
    keys = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    with log.open("ab") as output:
        process = start(command, env={**os.environ, **keys}, stdout=output, stderr=output)
    with stopped_at_the_end(process):
        wait_until_it_answers(endpoint, process, log)
        yield S3Server(endpoint)
