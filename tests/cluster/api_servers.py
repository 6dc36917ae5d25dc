"""A real Kubernetes API server on loopback: etcd and kube-apiserver, built from source.

Nothing schedules or runs what is applied to it. It judges every object as a cluster would: schemas,
defaults, names, quotas of fields, and the pod security standard of the namespace.
"""

import contextlib
import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cluster.go_programs import go_program
from tests.cluster.processes import start

ADMIN = "admin-of-a-test"
START_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to one request.

    Attributes:
        status: of HTTP.
        body: the object, or why there is none.
        warnings: what it would have one know, such as a pod that the namespace would not admit.
    """

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running server and the certificate it shows."""

    url: str
    certificate: Path

    def request(
        self, method: str, path: str, body: object = None, token: str = ADMIN, kind: str = "json"
    ) -> Answer:
        """Send one request; a refusal is an answer too."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": f"application/{kind}"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        context = ssl.create_default_context(cafile=str(self.certificate))
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:
                return _answer(answer.status, answer)
        except urllib.error.HTTPError as refusal:
            return _answer(refusal.code, refusal)

    def apply(self, document: dict[str, Any], *, dry_run: bool = False) -> Answer:
        """Server-side apply, with unknown fields refused."""
        query = "fieldManager=test&fieldValidation=Strict" + "&dryRun=All" * dry_run
        path = f"{self.place_of(document)}?{query}"
        return self.request("PATCH", path, document, kind="apply-patch+yaml")

    def place_of(self, document: dict[str, Any]) -> str:
        """The path of an object, from what the server says of its kind."""
        version = document["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        kinds = self.request("GET", root).body["resources"]
        found = next(k for k in kinds if k["kind"] == document["kind"] and "/" not in k["name"])
        name = document["metadata"]["name"]
        inside = f"/namespaces/{document['metadata']['namespace']}" if found["namespaced"] else ""
        return f"{root}{inside}/{found['name']}/{name}"


def _answer(status: int, answer: Any) -> Answer:
    said = answer.headers.get_all("Warning") or []
    text = answer.read()
    try:
        body = json.loads(text)
    except ValueError:
        body = {"message": text.decode(errors="replace")}
    return Answer(status, body, tuple(said))


@contextlib.contextmanager
def api_server(folder: Path, ports: tuple[int, int, int]) -> Iterator[ApiServer]:
    """Start a server with nothing in it; it and its etcd end with the block.

    Args:
        folder: for its files.
        ports: free ones, for the server, etcd's clients and etcd's peers.
    """
    programs = {name: go_program(name) for name in ("etcd", "kube-apiserver")}
    secure, client, peer = ports
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signing = folder / "signing.pem"
    signing.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{ADMIN},admin,1,"system:masters"\n')
    store = f"http://127.0.0.1:{client}"
    commands = {
        "etcd": [
            *("--data-dir", str(folder / "etcd"), "--unsafe-no-fsync"),
            *("--listen-client-urls", store, "--advertise-client-urls", store),
            *("--listen-peer-urls", f"http://127.0.0.1:{peer}"),
        ],
        "kube-apiserver": [
            *("--etcd-servers", store, "--bind-address", "127.0.0.1"),
            *("--secure-port", str(secure), "--cert-dir", str(folder)),
            *("--service-cluster-ip-range", "10.0.0.0/24", "--authorization-mode", "RBAC"),
            *("--token-auth-file", str(tokens)),
            *("--service-account-issuer", "https://test.invalid"),
            *("--service-account-key-file", str(signing)),
            *("--service-account-signing-key-file", str(signing)),
        ],
    }
    with contextlib.ExitStack() as stack:
        for name, options in commands.items():
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            started = start([programs[name], *options], stdout=log, stderr=log)
            stack.callback(_end, started)
        server = ApiServer(f"https://127.0.0.1:{secure}", folder / "apiserver.crt")
        _wait(server, folder / "kube-apiserver.log")
        yield server


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(server: ApiServer, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if server.request("GET", "/readyz").status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"no API server after {START_SECONDS} s\n{log.read_text()[-3000:]}")
