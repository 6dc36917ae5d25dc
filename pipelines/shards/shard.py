"""Extracting one shard: images in, a Parquet file with its receipt for each of its tables out."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from pipelines.contract import Augmentation
from pipelines.engines.bottleneck import BaseClock, Waits
from pipelines.engines.engine import Engine
from pipelines.engines.extraction import extract_by_all
from pipelines.engines.kinds import KERAS
from pipelines.engines.request import EngineRequest
from pipelines.images.decode import PixelSpec, pixel_spec
from pipelines.records import Extracted, Failure, Shard
from pipelines.shards.progress import ProgressFile
from pipelines.stores.reading import MAX_IMAGE_BYTES
from pipelines.system.gpus import visible_gpus
from pipelines.system.processor_time import OF_SHARDS
from pipelines.table.files import FeatureFileWriter
from pipelines.table.names import data_file_name
from pipelines.table.receipts import Receipt
from pipelines.table.schema import optional_names, optional_schema
from pipelines.table.storage import open_storage

COUNTERS = "frozen_features"
"""Namespace of the counters in the runner's own display."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table that shards are extracted into.

    Attributes:
        run: the run's id; begins the name of every file it writes there.
        table: URI of the table's folder.
        engine: the engine the driver chose.
        augmentation: how copies are made; None where there are none.
    """

    run: str
    table: str
    engine: EngineRequest
    augmentation: Augmentation | None = None

    def pixels(self, max_bytes: int) -> PixelSpec:
        """How images of at most so many bytes are decoded for it."""
        return pixel_spec(self.engine.contract, self.augmentation, max_bytes)


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What is the same for all shards of a run.

    Attributes:
        targets: the tables that shards are for, by their places among those of the run.
        threads: reading and decoding threads; as many as cores when None.
        progress: where to count images; None where the driver cannot see this machine's files.
        max_image_bytes: most that an image's file may have.
    """

    targets: Mapping[int, Target]
    threads: int | None
    progress: ProgressFile | None
    max_image_bytes: int = MAX_IMAGE_BYTES


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of a shard in one of its tables.

    Attributes:
        table: the table's place among those of the run.
        path: its file, inside the table's folder.
        receipt: what the file's footer says.
        batches: calls of the engine.
        waits: where the worker's time went; where tables share the shard, this one's share.
        cpu_seconds: processor time, over all threads; likewise.
        card_seconds: time of that the worker had a graphics card for the base; 0 without one.
    """

    table: int
    path: str
    receipt: Receipt
    batches: int
    waits: Waits
    cpu_seconds: float = 0.0
    card_seconds: float = 0.0

    def counts(self) -> Mapping[str, int]:
        """Counters for the runner: images, failures, batches, shards, and milliseconds."""
        spent = {
            **asdict(self.waits),
            "cpu": self.cpu_seconds,
            "card": self.card_seconds,
        }
        return {
            "images": self.receipt.rows,
            "failures": len(self.receipt.failures),
            "batches": self.batches,
            "shards": 1,
            **{f"{name}_ms": round(1000 * seconds) for name, seconds in spent.items()},
        }


def counters_of(table: int) -> str:
    """Namespace of the counters of a run's table, by its place."""
    return f"{COUNTERS}_{table + 1}" if table else COUNTERS


def extract_shard(shard: Shard, job: ShardJob, engines: Mapping[int, Engine]) -> list[ShardResult]:
    """Read, decode, run the bases, and write a file a table; its name is new at every attempt.

    Running it twice writes files of which the commit takes one. A shard in which every image
    failed still writes its file: no rows, and a receipt that says why.

    Args:
        shard: the images.
        job: what holds for all shards.
        engines: of each of the job's targets, by the same places.

    Raises:
        OSError: a file cannot be written.
    """
    OF_SHARDS.begin()
    cpu_seconds = 0.0
    try:
        results = _write_shard(shard, job, engines)
    finally:
        cpu_seconds = OF_SHARDS.end()
    worked = sum(result.waits.seconds for result in results)
    return [
        replace(
            result,
            cpu_seconds=cpu_seconds * result.waits.seconds / worked,
            card_seconds=result.waits.seconds if _on_a_card(engines[result.table]) else 0.0,
        )
        for result in results
    ]


def _on_a_card(engine: Engine) -> bool:
    return engine.name == KERAS and bool(visible_gpus())


def _write_shard(shard: Shard, job: ShardJob, engines: Mapping[int, Engine]) -> list[ShardResult]:
    bases = [
        (engines[table], job.targets[table].pixels(job.max_image_bytes)) for table in shard.tables
    ]
    clock = BaseClock(bases=len(bases))
    with ExitStack() as open_files:
        files = [
            open_files.enter_context(_ShardFile(shard, job.targets[table], engines[table]))
            for table in shard.tables
        ]
        for batch in extract_by_all(shard.refs, bases, job.threads, clock):
            for file, each in zip(files, batch, strict=True):
                file.write(each)
            if job.progress is not None:
                job.progress.add(len(batch[0].block.sources), len(batch[0].failures))
        with clock.writing():
            receipts = [file.close() for file in files]
    return [
        ShardResult(table, file.path, receipt, file.batches, clock.read(base))
        for base, (table, file, receipt) in enumerate(
            zip(shard.tables, files, receipts, strict=True)
        )
    ]


class _ShardFile:
    """A shard's file in one table, while it is written."""

    def __init__(self, shard: Shard, target: Target, engine: Engine) -> None:
        self._shard, self._target, self._engine = shard, target, engine
        self._failures: list[Failure] = []
        self.batches = 0
        self.path = data_file_name(target.run, shard.name)
        added = optional_schema(optional_names(shard.refs))
        storage = open_storage(target.table)
        self._writer = FeatureFileWriter(storage, self.path, target.engine.contract, added)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:  # noqa: ANN401 - as `FeatureFileWriter` takes it
        self._writer.__exit__(*error)

    def write(self, extracted: Extracted) -> None:
        self._writer.write(extracted.block)
        self._failures.extend(extracted.failures)
        self.batches += bool(extracted.block.sources)

    def close(self) -> Receipt:
        """Write what is left and the receipt; only now does the file count."""
        receipt = Receipt(
            run=self._target.run,
            shard=self._shard.name,
            split=self._shard.split,
            rows=self._writer.rows,
            contract=self._target.engine.contract.canonical_json(),
            feature_shape=self._engine.feature_shape,
            engine=self._engine.name,
            digest="",
            failures=tuple(self._failures),
            augmentation=_policy_of(self._shard, self._target),
        )
        return self._writer.close(receipt)


def _policy_of(shard: Shard, target: Target) -> str | None:
    copied = any(ref.copy for ref in shard.refs)
    return target.augmentation.canonical_json() if copied and target.augmentation else None
