"""A standalone Spark 3.5 on loopback: a master and one worker, which starts executors."""

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.flink import SHORT_LIVED, free_ports
from tests.cluster.processes import start
from tests.cluster.tools import program, python_packages, spark_job_server

VERSION = "3.5.7"
"""As in `job_server/spark/pom.xml`: a driver and its executors must be of one version."""

START_SECONDS = 60
_DEPLOY = "org.apache.spark.deploy"
_EXECUTOR = "CoarseGrainedExecutorBackend"


class SparkCluster:
    """The processes of one cluster; executors of two cores are started by its worker."""

    def __init__(self, folder: Path) -> None:
        """Nothing is started yet.

        Args:
            folder: for logs, and for the jars that each run sends.
        """
        self.folder = folder
        program("java", "openjdk-17-jre-headless")
        home = python_packages(f"pyspark-{VERSION}", f"pyspark=={VERSION}") / "pyspark"
        self._class = str(home / "bin" / "spark-class")
        self._environment = {
            **os.environ,
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": " ".join(SHORT_LIVED),
        }
        self._port, self._page, self._worker_page = free_ports(3)
        self._processes: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True)

    def flags(self) -> list[str]:
        """Options by which an extraction runs on this cluster."""
        java = "--job_server_jvm_properties"
        return [
            "--runner=SparkRunner",
            f"--spark_master_url=spark://127.0.0.1:{self._port}",
            f"--spark_job_server_jar={spark_job_server()}",
            "--environment_type=LOOPBACK",
            f"{java}=-Dspark.driver.host=127.0.0.1",
            f"{java}=-Dspark.executor.memory=512m",
            f"{java}=-Dspark.executor.extraJavaOptions={' '.join(SHORT_LIVED)}",
        ]

    def start(self) -> None:
        """Start both; returns when the master knows of its worker."""
        page = ["--webui-port", str(self._page)]
        self._start("master.Master", "--host", "127.0.0.1", "--port", str(self._port), *page)
        self._wait('"status" : "ALIVE"')
        page = ["--webui-port", str(self._worker_page)]
        size = ["--cores", "2", "--memory", "1g", "--work-dir", str(self.folder / "work")]
        master = f"spark://127.0.0.1:{self._port}"
        self._start("worker.Worker", "--host", "127.0.0.1", *page, *size, master)
        self._wait('"aliveworkers" : 1')

    def executors(self) -> list[int]:
        """Process ids of the executors that live; the worker starts other programs besides."""
        worker = self._processes[1].pid
        children = Path(f"/proc/{worker}/task").glob("*/children")
        pids = [int(pid) for each in children for pid in each.read_text().split()]
        return [pid for pid in pids if _EXECUTOR in _command(pid)]

    def running(self) -> bool:
        """Whether the master has an application that has not ended."""
        return '"activeapps" : [ ]' not in self._state()

    def stop(self) -> None:
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [self._class, f"{_DEPLOY}.{name}", *arguments]
            self._processes.append(
                start(
                    command,
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def _state(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._page}/json/", timeout=10) as answer:
            said: bytes = answer.read()
        return said.decode()

    def _wait(self, said: str) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                if said in self._state():
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"no {said} after {START_SECONDS} s; see the logs in {self.folder}")


@contextmanager
def spark_cluster(folder: Path) -> Iterator[SparkCluster]:
    """A running cluster, ended whatever happens."""
    cluster = SparkCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:  # it has just ended
        return ""
