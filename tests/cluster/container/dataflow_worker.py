"""Dataflow's part when a worker starts: `boot` asks it for a job's options, its harness for work.

`python dataflow_worker.py OPTIONS.json`, in the image, starts `boot` with the arguments that
Dataflow gives it, ends the harness as soon as it asks for work, and prints what it logged, as JSON.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from apache_beam.portability.api import (
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
)

BOOT = "/opt/apache/beam/boot"
ENDPOINTS = ("provision", "logging", "artifact", "control")


class Runner(
    beam_provision_api_pb2_grpc.ProvisionServiceServicer,
    beam_fn_api_pb2_grpc.BeamFnLoggingServicer,
    beam_fn_api_pb2_grpc.BeamFnControlServicer,
):
    """A runner without work, and with nothing staged.

    Args:
        options: the job's, by their names.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self.asked = 0
        self.logged: list[str] = []

    def GetProvisionInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's
        answer = beam_provision_api_pb2.GetProvisionInfoResponse()
        answer.info.pipeline_options.update(self._options)
        return answer

    def Logging(self, batches: Iterable[Any], context: Any) -> Iterator[Any]:  # noqa: N802 - gRPC's
        for batch in batches:
            self.logged += [entry.message for entry in batch.log_entries]
        return iter(())

    def Control(self, answers: Iterable[Any], context: Any) -> Iterator[Any]:  # noqa: N802 - gRPC's
        self.asked += 1
        return iter(())  # no work any more, at which the harness ends


def main(options: Path) -> int:
    runner = Runner(json.loads(options.read_text(encoding="utf-8")))
    server = grpc.server(ThreadPoolExecutor())
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(runner, server)
    beam_fn_api_pb2_grpc.add_BeamFnLoggingServicer_to_server(runner, server)
    beam_fn_api_pb2_grpc.add_BeamFnControlServicer_to_server(runner, server)
    address = f"localhost:{server.add_insecure_port('localhost:0')}"
    server.start()
    command = [BOOT, "--id=sdk-0-0", *(f"--{each}_endpoint={address}" for each in ENDPOINTS)]
    ended = subprocess.run(command, stdout=sys.stderr, check=False).returncode
    server.stop(None)
    json.dump({"asked": runner.asked, "logged": runner.logged}, sys.stdout)
    return ended


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
