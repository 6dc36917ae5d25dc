"""The Kubernetes requests and limits that a forecast fits into, as text for a kustomize patch."""

import math
from dataclasses import dataclass

from pipelines.forecast import Forecast

MEBIBYTE = 2**20
STEP = 64
"""Memory is rounded up to so many MiB."""

ASKED, LIMIT = 1.1, 1.35
"""Times the forecast: what is reserved, and where the kernel ends a process."""

FLINK_MIB = 1728
"""A TaskManager's whole process as Flink sizes it when it is not told otherwise."""

JOB_SERVER_MIB = 768
"""The job server's Java process, without the job itself."""

COPIES = 3
"""Times a job stands in the memory of a Java process: received, as a graph, and sent on."""

SCRATCH_MIB = 512
"""For /tmp, logs and what a library leaves; features never wait on the worker's disk."""


@dataclass(frozen=True, slots=True)
class Size:
    """What one container asks for and may take at most.

    Attributes:
        cpu: cores asked for; also the limit where `cpu_limited`.
        memory, memory_limit: MiB.
        disk: ephemeral storage, MiB.
        cpu_limited: whether it may not take more; a worker sizes its threads by that limit.
    """

    cpu: float
    memory: int
    memory_limit: int
    disk: int
    cpu_limited: bool


@dataclass(frozen=True, slots=True)
class PodSizes:
    """Containers of a cluster: `worker` beside each Flink `taskmanager`, and one `submit`."""

    replicas: int
    worker: Size
    taskmanager: Size
    submit: Size


def fit_pods(found: Forecast, cores: int, engine_bytes: int) -> PodSizes:
    """Sizes that hold a forecast.

    Args:
        found: the forecast.
        cores: of a worker.
        engine_bytes: of its converted base on disk, which is a draft first.
    """
    job = COPIES * found.bytes_job / MEBIBYTE
    worker = found.worker_bytes / MEBIBYTE
    # The submitting process opens the engine too, to see that it runs, and encodes the job.
    driver = worker + (found.driver_bytes + 2 * found.bytes_job) / MEBIBYTE
    engine = 2 * engine_bytes / MEBIBYTE
    return PodSizes(
        replicas=found.workers,
        worker=_size(float(cores), worker, SCRATCH_MIB + engine, cpu_limited=True),
        taskmanager=_size(0.5, (FLINK_MIB + job) / ASKED, SCRATCH_MIB + job, cpu_limited=False),
        submit=_size(1.0, driver + JOB_SERVER_MIB + job, SCRATCH_MIB + engine, cpu_limited=False),
    )


def _size(cpu: float, memory: float, disk: float, cpu_limited: bool) -> Size:
    return Size(cpu, _up(memory * ASKED), _up(memory * LIMIT), _up(disk), cpu_limited)


def _up(mebibytes: float) -> int:
    return math.ceil(mebibytes / STEP) * STEP


def as_yaml(sizes: PodSizes) -> str:
    """The sizes as patches of the Flink deployment and of the job that submits."""
    manager = sizes.taskmanager
    return f"""\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: frozen-features
spec:
  taskManager:
    replicas: {sizes.replicas}
    resource:
      cpu: {manager.cpu:g}
      memory: {manager.memory}m
    podTemplate:
      spec:
        containers:
          - name: worker
{_resources(sizes.worker, 12)}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: extract
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - name: submit
{_resources(sizes.submit, 14)}"""


def _resources(size: Size, indent: int) -> str:
    limited = [f"    cpu: {size.cpu:g}"] if size.cpu_limited else []
    lines = [
        "resources:",
        "  requests:",
        f"    cpu: {size.cpu:g}",
        f"    memory: {size.memory}Mi",
        f"    ephemeral-storage: {size.disk}Mi",
        "  limits:",
        *limited,
        f"    memory: {size.memory_limit}Mi",
        f"    ephemeral-storage: {size.disk}Mi",
    ]
    return "\n".join(" " * indent + line for line in lines)
