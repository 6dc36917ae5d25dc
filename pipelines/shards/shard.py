"""Extracting one shard: images in, one Parquet file with its receipt out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pipelines.contract import Augmentation
from pipelines.engines.bottleneck import BaseClock, Waits
from pipelines.engines.engine import Engine
from pipelines.engines.extraction import extract_images
from pipelines.engines.kinds import KERAS
from pipelines.engines.request import EngineRequest
from pipelines.images.decode import pixel_spec
from pipelines.records import Failure, Shard
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
class ShardJob:
    """What is the same for all shards of a run.

    Attributes:
        run: the run's id; begins the name of every file it writes.
        table: URI of the table's folder.
        engine: the engine the driver chose.
        threads: reading and decoding threads; as many as cores when None.
        progress: where to count images; None where the driver cannot see this machine's files.
        augmentation: how copies are made; None where there are none.
        max_image_bytes: most that an image's file may have.
    """

    run: str
    table: str
    engine: EngineRequest
    threads: int | None
    progress: ProgressFile | None
    augmentation: Augmentation | None = None
    max_image_bytes: int = MAX_IMAGE_BYTES


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of a shard.

    Attributes:
        path: its file, inside the table's folder.
        receipt: what the file's footer says.
        batches: calls of the engine.
        waits: where the worker's time went.
        cpu_seconds: processor time, over all threads.
        card_seconds: time of that the worker had a graphics card for the base; 0 without one.
    """

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


def extract_shard(shard: Shard, job: ShardJob, engine: Engine) -> ShardResult:
    """Read, decode, run the base, and write one file; its name is new at every attempt.

    Running it twice writes two files of which the commit takes one. A shard in which every image
    failed still writes its file: no rows, and a receipt that says why.

    Raises:
        OSError: the file cannot be written.
    """
    OF_SHARDS.begin()
    cpu_seconds = 0.0
    try:
        path, receipt, batches, waits = _write_shard(shard, job, engine)
    finally:
        cpu_seconds = OF_SHARDS.end()
    on_a_card = engine.name == KERAS and visible_gpus()
    card_seconds = waits.seconds if on_a_card else 0.0
    return ShardResult(path, receipt, batches, waits, cpu_seconds, card_seconds)


def _write_shard(shard: Shard, job: ShardJob, engine: Engine) -> tuple[str, Receipt, int, Waits]:
    contract = job.engine.contract
    pixels = pixel_spec(contract, job.augmentation, job.max_image_bytes)
    path = data_file_name(job.run, shard.name)
    storage = open_storage(job.table)
    failures: list[Failure] = []
    batches = 0
    clock = BaseClock()
    added = optional_schema(optional_names(shard.refs))
    with FeatureFileWriter(storage, path, contract, added) as writer:
        for each in extract_images(shard.refs, engine, pixels, job.threads, clock):
            writer.write(each.block)
            failures.extend(each.failures)
            batches += bool(each.block.sources)
            if job.progress is not None:
                job.progress.add(len(each.block.sources), len(each.failures))
        receipt = Receipt(
            run=job.run,
            shard=shard.name,
            split=shard.split,
            rows=writer.rows,
            contract=contract.canonical_json(),
            feature_shape=engine.feature_shape,
            engine=engine.name,
            digest="",
            failures=tuple(failures),
            augmentation=_policy_of(shard, job),
        )
        with clock.writing():
            receipt = writer.close(receipt)
    return path, receipt, batches, clock.read()


def _policy_of(shard: Shard, job: ShardJob) -> str | None:
    copied = any(ref.copy for ref in shard.refs)
    return job.augmentation.canonical_json() if copied and job.augmentation else None
