"""A server of Google Cloud Storage's kind on loopback: fake-gcs-server, taught to take XML puts.

fake-gcs-server speaks the JSON API, which Arrow uses, and reads and lists by the XML API. The
clients in Rust (obstore, delta-rs) put by the XML API as well, so a relay in front of it says their
puts over in JSON, condition and all, and lets their listings begin where they ask.
"""

import contextlib
import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.go_programs import go_program
from tests.cluster.processes import start
from tests.cluster.s3_server import free_port, stopped_at_the_end, wait_until_it_answers
from tests.conftest import ROOT

BUCKET = "features"


@contextlib.contextmanager
def gcs_server(folder: Path) -> Iterator[str]:
    """A server with one empty bucket; gives its host and port, as STORAGE_EMULATOR_HOST wants."""
    program = go_program("fake-gcs-server")
    front, behind = (f"127.0.0.1:{free_port()}" for _ in range(2))
    log = folder / "server.log"
    command = [str(program), "-scheme", "http", "-host", "127.0.0.1"]
    command += ["-port", behind.partition(":")[2], "-public-host", front]
    command += ["-external-url", f"http://{front}", "-backend", "memory", "-log-level", "warn"]
    relay = [sys.executable, "-m", "tests.cluster.gcs_relay", front, behind, BUCKET]
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        for arguments, address in ((command, behind), (relay, front)):
            process = start(arguments, stdout=output, stderr=output, cwd=ROOT)
            stack.enter_context(stopped_at_the_end(process))
            wait_until_it_answers(f"http://{address}/storage/v1/b", process, log)
        made = urllib.request.Request(
            f"http://{front}/storage/v1/b?project=tests",
            data=json.dumps({"name": BUCKET}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(made, timeout=10).close()
        yield front
