"""The Kubernetes requests that a forecast fits into, as patches for an overlay of `k8s/`."""

import math
from dataclasses import dataclass

from pipelines.planning.sizing.forecast import Forecast

MEBIBYTE = 2**20
STEP = 64
"""Memory is rounded up to so many MiB."""

SPARE = 1.25
"""Times what was measured. A request is also the limit: memory that is lent gets taken back."""

POOL_MIB = 175
"""Beam's worker pool, which starts the worker and stands beside it in one container; measured."""

JOB_SERVER_MIB = 347
"""Beam's job server, a Java process of the submitting container; measured."""

JOBMANAGER_MIB, TASKMANAGER_MIB = 1600, 1728
"""Their whole processes as Flink's own configuration sizes them, before the job."""

TASKMANAGER_COPIES, JOBMANAGER_COPIES, JOB_SERVER_COPIES = 11, 4, 5
"""MiB more of a process for a MiB of the job. Measured with jobs of 27 to 321 MB, a TaskManager's
heap takes 4.6 and a JobManager's 3.3; Flink gives a heap 0.45 and 0.9 of what its process has more.
The job server's is assumed."""

SCRATCH_MIB = 1024
"""For /tmp, logs and what a library leaves; features never wait on the worker's disk."""


@dataclass(frozen=True, slots=True)
class Size:
    """What one container asks for, and may not exceed.

    Attributes:
        cpu: cores.
        memory: MiB.
        disk: ephemeral storage, MiB.
    """

    cpu: int
    memory: int
    disk: int


@dataclass(frozen=True, slots=True)
class PodSizes:
    """Containers of a cluster.

    Attributes:
        workers: TaskManagers, each with a worker beside it.
        worker: Beam's worker pool and the worker that it starts.
        submit: the driver and Beam's job server.
        taskmanager, jobmanager: MiB of Flink's processes, which divide it themselves.
    """

    workers: int
    worker: Size
    submit: Size
    taskmanager: int
    jobmanager: int


def fit_pods(found: Forecast, cores: int, engine_bytes: int) -> PodSizes:
    """Sizes that hold a forecast.

    Args:
        found: the forecast.
        cores: of a worker; the submitter has as many, for it may have to choose the engine.
        engine_bytes: of the converted base on disk, which is a draft first.
    """
    job = found.bytes_job / MEBIBYTE
    worker = found.cold_bytes / MEBIBYTE
    # The driver opens the engine too, to see that it runs, and holds the job twice, encoding it.
    driver = worker + found.driver_bytes / MEBIBYTE + 2 * job
    server = JOB_SERVER_MIB + JOB_SERVER_COPIES * job
    disk = SCRATCH_MIB + 2 * engine_bytes / MEBIBYTE
    return PodSizes(
        workers=found.workers,
        worker=Size(cores, _up(SPARE * (worker + POOL_MIB)), _up(disk)),
        submit=Size(cores, _up(SPARE * (driver + server)), _up(disk)),
        taskmanager=_up(TASKMANAGER_MIB + TASKMANAGER_COPIES * job),
        jobmanager=_up(JOBMANAGER_MIB + JOBMANAGER_COPIES * job),
    )


def _up(mebibytes: float) -> int:
    return math.ceil(mebibytes / STEP) * STEP


def as_yaml(sizes: PodSizes) -> str:
    """The sizes as patches that stand in an overlay's `kustomization.yaml`."""
    return f"""\
patches:
  - target: {{kind: ConfigMap, name: options}}
    patch: |
      - {{op: replace, path: /data/PARALLELISM, value: "{sizes.workers}"}}
  - target: {{kind: FlinkDeployment, name: flink}}
    patch: |
      - {{op: replace, path: /spec/jobManager/resource/memory, value: {sizes.jobmanager}m}}
      - {{op: replace, path: /spec/taskManager/resource/memory, value: {sizes.taskmanager}m}}
{_resources("/spec/taskManager/podTemplate/spec/initContainers/0", "worker", sizes.worker)}
  - target: {{kind: CronJob, name: extract}}
    patch: |
{_resources("/spec/jobTemplate/spec/template/spec/containers/0", "extract", sizes.submit)}"""


def _resources(container: str, name: str, size: Size) -> str:
    cells = f'cpu: "{size.cpu}", memory: {size.memory}Mi, ephemeral-storage: {size.disk}Mi'
    return f"""\
      - {{op: test, path: {container}/name, value: {name}}}
      - op: replace
        path: {container}/resources
        value:
          requests: {{{cells}}}
          limits: {{{cells}}}"""
