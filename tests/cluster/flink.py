"""A Flink cluster on loopback: a JobManager, TaskManagers, and a Beam worker pool beside each.

As in a pod, each TaskManager finds its own worker pool under one name. Here that name leads to
another loopback address for each of them, by a hosts file of its own.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.cluster.processes import start
from tests.cluster.tools import absent, flink_job_server, program
from tests.conftest import ROOT

POOL_HOST = "worker-pool"
"""What every TaskManager calls the worker pool beside it."""

START_SECONDS = 60

SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For Java that ends before what its best compiler makes would pay."""

_OPENED = (
    *(
        f"java.base/java.{name}=ALL-UNNAMED"
        for name in (
            "io",
            "lang",
            "lang.reflect",
            "net",
            "nio",
            "text",
            "time",
            "util",
            "util.concurrent",
            "util.concurrent.atomic",
            "util.concurrent.locks",
        )
    ),
    "java.base/sun.nio.ch=ALL-UNNAMED",
)
"""What Flink 1.19 opens itself to on Java 17, after its own default configuration."""

_MASTER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_WORKER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_WORKER_MEMORY = {
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.task.heap.size": "128m",
    "taskmanager.memory.task.off-heap.size": "0",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.managed.size": "64m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}
"""What Flink's start scripts would have worked out."""


class FlinkCluster:
    """Processes of one cluster; each can be killed and started again under its own name."""

    def __init__(
        self,
        folder: Path,
        workers: int,
        core_of: Sequence[int] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Write the configuration; nothing is started yet.

        Args:
            folder: for configuration, logs and what Flink spills.
            workers: TaskManagers, one slot each.
            core_of: the one core that each TaskManager and its pool may use; any when None.
            more: settings of Flink's besides.
        """
        self.folder, self.workers = folder, workers
        self._core_of, self._more = core_of, dict(more or {})
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._rpc, self._blob, self.rest, self._pool = free_ports(4)
        self._java = program("java", "openjdk-17-jre-headless")
        self._jars = flink_jars()
        (folder / "conf").mkdir(parents=True)
        (folder / "spill").mkdir()
        self._configure()

    def flags(self) -> list[str]:
        """Options by which an extraction runs on this cluster."""
        return [
            "--runner=FlinkRunner",
            f"--flink_master=127.0.0.1:{self.rest}",
            "--flink_version=1.19",
            f"--flink_job_server_jar={flink_job_server()}",
            "--environment_type=EXTERNAL",
            f"--environment_config={POOL_HOST}:{self._pool}",
            f"--parallelism={self.workers}",
        ]

    def start(self) -> None:
        """Start everything; returns when all slots are there."""
        self.start_jobmanager()
        for number in range(self.workers):
            self.start_pool(number)
            self.start_taskmanager(number)
        self.wait(lambda: self.get("/overview")["slots-available"] == self.workers)

    def start_jobmanager(self) -> None:
        self._start("jobmanager", self._java_command(_MASTER), None)

    def start_taskmanager(self, number: int) -> None:
        memory = [f"-D{name}={value}" for name, value in _WORKER_MEMORY.items()]
        name = f"taskmanager{number}"
        hosts = f"-Djdk.net.hosts.file={self.folder / 'conf' / name}"
        split = [part for each in memory for part in ("-D", each[2:])]
        command = [*self._java_command(_WORKER, hosts), "-D", f"taskmanager.resource-id={name}"]
        self._start(name, [*command, *split], number)

    def start_pool(self, number: int) -> None:
        command = [sys.executable, "-m", "tests.cluster.worker_pool"]
        address = f"{_pool_address(number)}:{self._pool}"
        self._start(f"pool{number}", [*command, address], number)

    def kill(self, name: str) -> None:
        """End a process and all that it started, at once."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def pids(self, name: str) -> int:
        return self._processes[name].pid

    def stop(self) -> None:
        for name in list(self._processes):
            self.kill(name)

    def get(self, path: str) -> Any:
        """What Flink's REST interface answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}{path}", timeout=10) as answer:
            return json.load(answer)

    def running_jobs(self) -> list[str]:
        jobs = self.get("/jobs")["jobs"]
        return [job["id"] for job in jobs if job["status"] in ("RUNNING", "RESTARTING")]

    def cancel(self, job: str) -> None:
        url = f"http://127.0.0.1:{self.rest}/jobs/{job}"
        urllib.request.urlopen(urllib.request.Request(url, method="PATCH"), timeout=10).close()

    def wait(self, done: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Wait until something is so; what Flink refuses to answer yet is not so."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if done():
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"not so after {seconds} s; see the logs in {self.folder}")

    def _configure(self) -> None:
        settings = {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": self._rpc,
            "jobmanager.bind-host": "127.0.0.1",
            "blob.server.port": self._blob,
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest,
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": 1,
            "io.tmp.dirs": str(self.folder / "spill"),
            # A killed worker is found missing in seconds, and the job goes on without a new one.
            "heartbeat.interval": 1000,
            "heartbeat.timeout": 6000,
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 20,
            "restart-strategy.fixed-delay.delay": "1 s",
            **self._more,
        }
        conf = self.folder / "conf"
        lines = [f"{name}: {value}\n" for name, value in settings.items()]
        (conf / "config.yaml").write_text("".join(lines))
        for number in range(self.workers):
            names = f"127.0.0.1 localhost {socket.gethostname()}\n"
            hosts = f"{names}{_pool_address(number)} {POOL_HOST}\n"
            (conf / f"taskmanager{number}").write_text(hosts)

    def _java_command(self, main: str, *options: str) -> list[str]:
        opened = [part for each in _OPENED for part in ("--add-opens", each)]
        machine = ["-Xmx384m", *SHORT_LIVED, *opened, *options, "-cp", f"{self._jars}/*"]
        return [self._java, *machine, main, "--configDir", str(self.folder / "conf")]

    def _start(self, name: str, command: list[str], number: int | None) -> None:
        if self._core_of is not None and number is not None:
            command = ["taskset", "-c", str(self._core_of[number]), *command]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = start(
                command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )


@contextmanager
def flink_cluster(
    folder: Path, workers: int = 2, core_of: Sequence[int] | None = None
) -> Iterator[FlinkCluster]:
    """A running cluster, ended whatever happens."""
    cluster = FlinkCluster(folder, workers, core_of)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def flink_jars() -> Path:
    """Folder of Flink's own jars, from the package that ships them."""
    package = find_spec("pyflink")
    if package is None or not package.submodule_search_locations:
        absent("Flink's jars are not installed (the package apache-flink-libraries)")
    return Path(next(iter(package.submodule_search_locations))) / "lib"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _pool_address(number: int) -> str:
    return f"127.0.0.{number + 2}"
