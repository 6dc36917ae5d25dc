"""Worker processes of Beam's embedded runner, watched: when one of them dies the run ends.

Beam starts such processes too, and waits for ever for the answer of one that is gone.
"""

import contextlib
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    GrpcWorkerHandler,
    WorkerHandler,
)
from apache_beam.transforms.environments import Environment
from google.protobuf import json_format, text_format

from pipelines.errors import FrozenFeaturesError
from pipelines.system.lifeline import lifeline
from pipelines.system.own_python import python_module, with_our_path

URN = "frozen_features:environment:worker_process:v1"

CLOSING_SECONDS = 30.0
"""How long a worker that has done everything may take to end."""

_crews: dict[bytes, "Crew"] = {}


class WorkerDiedError(FrozenFeaturesError):
    """A worker process ended before the run did."""


class Crew:
    """The worker processes of one run.

    Attributes:
        error: how the first of them died; None while all is well.
    """

    def __init__(self) -> None:
        """Begin without any; Beam asks for them."""
        self.error: WorkerDiedError | None = None
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()

    def add(self, worker: "_Worker") -> None:
        """Take in a worker that is about to be started."""
        with self._lock:
            self._workers.append(worker)

    def fail(self, error: WorkerDiedError) -> None:
        """End all workers, and the waiting for their answers."""
        with self._lock:
            self.error = self.error or error
            workers = tuple(self._workers)
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.answer_no_more(self.error)


@contextlib.contextmanager
def crew_of_a_run() -> Iterator[tuple[Crew, Environment]]:
    """A crew, and the environment by which Beam's embedded runner starts its workers."""
    name, crew = uuid.uuid4().hex.encode(), Crew()
    _crews[name] = crew
    try:
        yield crew, _OwnProcess(name)
    finally:
        del _crews[name]


def how_it_ended(pid: int, status: int) -> str:
    """In words, how a process ended.

    Args:
        pid: its id.
        status: what `subprocess.Popen.wait` gave.
    """
    if status >= 0:
        return f"worker process {pid} ended with status {status}"
    named = -status in set(signal.Signals)
    name = signal.Signals(-status).name if named else f"signal {-status}"
    why = ", as the system does when memory is short" if -status == signal.SIGKILL else ""
    return f"worker process {pid} was ended by {name}{why}"


class _OwnProcess(Environment):  # type: ignore[misc] # Beam has no types
    """Tells Beam that each worker is a process of this crew."""

    def __init__(self, crew: bytes) -> None:
        super().__init__()
        self._crew = crew

    def to_runner_api_parameter(self, _context: Any) -> tuple[str, bytes]:  # noqa: ANN401
        return URN, self._crew


@WorkerHandler.register_environment(URN, bytes)
class _Worker(GrpcWorkerHandler):  # type: ignore[misc] # Beam has no types
    """One worker process, and Beam's side of the talk with it."""

    def __init__(self, crew: bytes, *beams: Any) -> None:  # noqa: ANN401
        super().__init__(*beams)
        self._crew = _crews[crew]
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._push = self.control_conn.push
        self.control_conn.push = self._push_unless_dead

    def start_worker(self) -> None:
        self._crew.add(self)
        started = threading.Event()
        watch = threading.Thread(target=self._run, args=(started,), name="worker", daemon=True)
        watch.start()
        started.wait()
        self._watch = watch

    def stop_worker(self) -> None:
        self._watch.join()

    def close(self) -> None:
        self._closing = True
        if isinstance(sys.exception(), KeyboardInterrupt):
            self.kill()  # or it would first do all that it was given
        patience = threading.Timer(CLOSING_SECONDS, self.kill)
        patience.daemon = True
        patience.start()
        try:
            super().close()
        finally:
            self.stop_worker()
            patience.cancel()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def answer_no_more(self, error: WorkerDiedError) -> None:
        self.data_conn._exception = error
        for future in list(self.control_conn._futures_by_id.values()):
            future.abort(error)

    def _push_unless_dead(self, request: Any) -> Any:  # noqa: ANN401
        future = self._push(request)
        if self._crew.error is not None and future is not None:
            future.abort(self._crew.error)
        return future

    def _run(self, started: threading.Event) -> None:
        control = text_format.MessageToString(self.control_api_service_descriptor())
        options = json_format.MessageToJson(self.provision_info.provision_info.pipeline_options)
        told = {
            "CONTROL_API_SERVICE_DESCRIPTOR": control,
            "PIPELINE_OPTIONS": options,
            "WORKER_ID": self.worker_id,
        }
        command = python_module("pipelines.worker")
        try:
            with lifeline() as stdin:
                self._process = subprocess.Popen(
                    command, stdin=stdin, env={**with_our_path(), **told}
                )
                started.set()
                if self._crew.error is not None:  # another died while this one was started
                    self.kill()
                status = self._process.wait()
            if not self._closing:
                self._crew.fail(WorkerDiedError(how_it_ended(self._process.pid, status)))
        except OSError as error:
            self._crew.fail(WorkerDiedError(f"no worker process can be started: {error}"))
        finally:
            started.set()
