"""How large a job Flink takes, and what memory it costs: figures of docs/scaling.md.

`python -m tests.cluster.job_size HEAP MEGABYTES...` starts a cluster of one TaskManager whose
processes have that heap (as in `1024m`), and sends jobs that hold so many megabytes of random
bytes.
"""

import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from tests.cluster.flink import FlinkCluster

ELEMENT = 75 * 1024
"""Bytes of an element: what 1,024 images take."""


class LargeCluster(FlinkCluster):
    """A cluster whose Java processes have another heap."""

    heap = "384m"

    def _java_command(self, main: str, *options: str) -> list[str]:
        parts = super()._java_command(main, *options)
        return [f"-Xmx{self.heap}" if part.startswith("-Xmx") else part for part in parts]


def main(heap: str, *megabytes: str) -> None:
    logging.disable(logging.WARNING)
    LargeCluster.heap = heap
    with tempfile.TemporaryDirectory() as folder:
        cluster = LargeCluster(Path(folder) / "cluster", workers=1)
        try:
            cluster.start()
            for size in megabytes:
                print(send(cluster, round(float(size) * 1e6)), flush=True)
        finally:
            cluster.stop()


def send(cluster: FlinkCluster, size: int) -> str:
    """Run a job that holds so many bytes; gives its graph's size, time, and the peaks so far."""
    elements = [os.urandom(ELEMENT) for _ in range(size // ELEMENT)]
    pipeline = beam.Pipeline(options=PipelineOptions(cluster.flags()))
    _ = pipeline | beam.Create(elements) | beam.Reshuffle() | beam.Map(len)
    graph = pipeline.to_runner_api().ByteSize()
    started = time.monotonic()
    state = pipeline.run().wait_until_finish()
    peaks = [f"{name} {peak(cluster.pids(name))} MB" for name in ("jobmanager", "taskmanager0")]
    seconds = time.monotonic() - started
    return f"{graph / 1e6:.0f} MB of graph: {state} after {seconds:.0f} s, {', '.join(peaks)}"


def peak(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 // 10**6
    raise OSError("this system does not tell a process's peak memory")


if __name__ == "__main__":
    main(*sys.argv[1:])
