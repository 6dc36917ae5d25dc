"""Extracting one shard: images in, a Parquet file with its receipt for each of its tables out."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any, Self

from pipelines.contract import Augmentation
from pipelines.engines.bottleneck import BaseClock, Waits
from pipelines.engines.engine import Engine
from pipelines.engines.extraction import extract_by_all
from pipelines.engines.kinds import KERAS
from pipelines.engines.one_pass import in_one_pass, pass_of
from pipelines.engines.request import EngineRequest
from pipelines.images.decode import PixelSpec, pixel_spec
from pipelines.records import Extracted, Failure, FeatureBlock, Shard
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
        feature_shape: of one image's features before flattening.
        augmentation: how copies are made; None where there are none.
    """

    run: str
    table: str
    engine: EngineRequest
    feature_shape: tuple[int, ...]
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
        one_pass: whether layers of one base are taken in one pass of it.
    """

    targets: Mapping[int, Target]
    threads: int | None
    progress: ProgressFile | None
    max_image_bytes: int = MAX_IMAGE_BYTES
    one_pass: bool = True


@dataclass(frozen=True, slots=True)
class Pass:
    """One base that a shard's images run through.

    Attributes:
        tables: places of the tables that its features are for.
        engine: gives the features of all of them, one table's after the other's.
    """

    tables: tuple[int, ...]
    engine: EngineRequest


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


def passes_of(shard: Shard, job: ShardJob) -> list[Pass]:
    """The bases that a shard runs through, each for the tables that one pass of it serves."""
    alike: dict[Hashable, list[int]] = {}
    for table in shard.tables:
        target = job.targets[table]
        key = pass_of(target.engine) if job.one_pass else target.engine
        alike.setdefault((key, target.augmentation), []).append(table)
    return [
        Pass(tuple(tables), in_one_pass([job.targets[table].engine for table in tables]))
        for tables in alike.values()
    ]


def extract_shard(
    shard: Shard, job: ShardJob, open_base: Callable[[EngineRequest], Engine]
) -> list[ShardResult]:
    """Read, decode, run the bases, and write a file a table; its name is new at every attempt.

    Running it twice writes files of which the commit takes one. A shard in which every image
    failed still writes its file: no rows, and a receipt that says why.

    Args:
        shard: the images.
        job: what holds for all shards.
        open_base: opens an engine, or finds it open.

    Raises:
        OSError: a file cannot be written.
    """
    passes = passes_of(shard, job)
    engines = [open_base(each.engine) for each in passes]
    OF_SHARDS.begin()
    cpu_seconds = 0.0
    try:
        results = _write_shard(shard, job, passes, engines)
    finally:
        cpu_seconds = OF_SHARDS.end()
    worked = sum(result.waits.seconds for result in results)
    return [
        replace(result, cpu_seconds=cpu_seconds * result.waits.seconds / worked)
        for result in results
    ]


def _write_shard(
    shard: Shard, job: ShardJob, passes: Sequence[Pass], engines: Sequence[Engine]
) -> list[ShardResult]:
    pixels = [job.targets[each.tables[0]].pixels(job.max_image_bytes) for each in passes]
    clock = BaseClock(bases=len(passes))
    with ExitStack() as open_files:
        files = [
            [
                open_files.enter_context(_ShardFile(shard, job.targets[table], engine.name))
                for table in each.tables
            ]
            for each, engine in zip(passes, engines, strict=True)
        ]
        bases = list(zip(engines, pixels, strict=True))
        for batch in extract_by_all(shard.refs, bases, job.threads, clock):
            for theirs, extracted in zip(files, batch, strict=True):
                _write(theirs, extracted)
            if job.progress is not None:
                job.progress.add(len(batch[0].block.sources), len(batch[0].failures))
        with clock.writing():
            receipts = [[file.close() for file in theirs] for theirs in files]
    results = []
    for base, (each, engine) in enumerate(zip(passes, engines, strict=True)):
        waits = clock.read(base).shared_by(len(each.tables))
        card_seconds = waits.seconds if engine.name == KERAS and visible_gpus() else 0.0
        for table, file, receipt in zip(each.tables, files[base], receipts[base], strict=True):
            result = ShardResult(table, file.path, receipt, file.batches, waits, 0.0, card_seconds)
            results.append(result)
    return results


def _write(files: "Sequence[_ShardFile]", extracted: Extracted) -> None:
    """Write each table's share of a row of features, which follow each other in it."""
    block, start = extracted.block, 0
    for file in files:
        features = block.features[:, start : start + file.length]
        file.write(Extracted(FeatureBlock(block.sources, features), extracted.failures))
        start += file.length


class _ShardFile:
    """A shard's file in one table, while it is written."""

    def __init__(self, shard: Shard, target: Target, engine: str) -> None:
        self._shard, self._target, self._engine = shard, target, engine
        self.length = prod(target.feature_shape)
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
            feature_shape=self._target.feature_shape,
            engine=self._engine,
            digest="",
            failures=tuple(self._failures),
            augmentation=_policy_of(self._shard, self._target),
        )
        return self._writer.close(receipt)


def _policy_of(shard: Shard, target: Target) -> str | None:
    copied = any(ref.copy for ref in shard.refs)
    return target.augmentation.canonical_json() if copied and target.augmentation else None
