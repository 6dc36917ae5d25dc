"""The thin Beam layer: shards spread over workers, counters for the runner's own display."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from pipelines.engines.opening import open_engine
from pipelines.records import Shard
from pipelines.shards.earlier_attempts import EarlierAttempts
from pipelines.shards.shard import ShardJob, ShardResult, counters_of, extract_shard
from pipelines.system.gpus import pin_to_gpu


class ExtractShards(beam.PTransform):
    """Extracts a collection of shards; gives their results, which are small.

    The shards are redistributed first, so that workers share them. Features never cross that
    shuffle: each shard's go straight into its own files.
    """

    def __init__(self, job: ShardJob) -> None:
        super().__init__()
        self._job = job

    def expand(self, shards: Any) -> Any:  # noqa: ANN401 - Beam's collections are untyped
        """Build the transform."""
        return shards | beam.Reshuffle() | beam.ParDo(_ExtractShard(self._job))


class _ExtractShard(beam.DoFn):
    """Holds the worker's counters; its engines are the process's."""

    def __init__(self, job: ShardJob) -> None:
        self._job = job
        self._earlier: EarlierAttempts | None = None

    def setup(self) -> None:
        pin_to_gpu()

    def start_bundle(self) -> None:
        # The embedded runner, which has progress told, never gives work a second time.
        if self._job.progress is None:
            self._earlier = EarlierAttempts(self._job.targets)

    def process(self, shard: Shard) -> Iterator[ShardResult]:
        left = self._earlier.left_of(shard) if self._earlier is not None else shard
        if left is None:
            return
        for result in extract_shard(left, self._job, open_engine):
            for name, count in result.counts().items():
                Metrics.counter(counters_of(result.table), name).inc(count)
            yield result
