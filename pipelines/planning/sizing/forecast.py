"""What an extraction takes, from what a worker was measured to do: pure formulas.

The figures of the driver are of `benchmarks.scaling`; `docs/scaling.md` shows them.
"""

import math
from dataclasses import dataclass

from pipelines.engines.bottleneck import Waits
from pipelines.errors import UsageError
from pipelines.planning.sizing.measuring import Measured

JOB_SECONDS = 10e-6
"""An image costs the driver once: it is put into a shard, and that into the job for the runner."""

LOOK_SECONDS = 3e-6
"""An image costs the driver a look: its row's keys are read, compared, and searched for leaks."""

DRIVER_BYTES = 800
"""Memory that an image takes of the driver: while a folder is listed, or beside its row's keys.
Where there are copies, 2,500."""

FILE_SECONDS = 0.001
"""A file costs the driver at the commit, where its receipt and keys are checked: on a local disk.
In an object store it is some 40 times that (docs/scaling.md), little beside extracting the file."""

LOG_BYTES = 730
"""A file takes of Delta's log: its add action and its digest in the commit's record."""

JOB_BYTES = 50
"""An image takes of the job that is sent to a runner: its columns in a shard, compressed."""

LISTED = 1_000
"""Names that an object store gives a request."""

READS_A_FILE = 10
"""Requests that a file costs the driver at the commit: size, receipt, footer, columns of keys."""

WRITES_A_COMMIT = 2
MOST_WORKERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be extracted.

    Attributes:
        images: how many, augmented copies included.
        sources: files that these are made of; a part has `commit_every` of them at most.
        bytes_read: of those files, as far as listing them told.
        listed: images of the whole input, of which these are those without a row.
        listed_rows: those images and their copies.
        listing_seconds: for all of the input.
        commit_every: images a commit; None for one commit.
        unsized: of those files, how many only reading gives a size.
    """

    images: int
    sources: int
    bytes_read: int
    listed: int
    listed_rows: int
    listing_seconds: float
    commit_every: int | None
    unsized: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker of the run that is planned.

    Attributes:
        images_per_second: in the steady state.
        cores: that it has.
        waits: where its time goes; only the shares count.
        busy_cores: cores it wants to have for its base never to wait for images.
    """

    images_per_second: float
    cores: int
    waits: Waits
    busy_cores: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run takes.

    Attributes:
        workers: how many share the work.
        images_per_second: of all of them together.
        extract_seconds: first shard to last.
        driver_seconds: of the driver, before and after.
        seconds: all of it, with start-up.
        shard_rows: images of a shard.
        files: feature files.
        commits: Delta commits.
        bytes_read: of images.
        bytes_stored: of feature files.
        bytes_raw: of features before compression.
        bytes_log: of Delta's log.
        bytes_job: of the job as it is sent to a runner; a part of it when commits are several.
        worker_bytes: memory of a worker's process.
        cold_bytes: the same of one that has to convert the base first.
        driver_bytes: memory that the driver needs besides.
        gets, puts, lists: requests, where images and table are in an object store.
        core_hours: of the workers.
    """

    workers: int
    images_per_second: float
    extract_seconds: float
    driver_seconds: float
    seconds: float
    shard_rows: int
    files: int
    commits: int
    bytes_read: int
    bytes_stored: int
    bytes_raw: int
    bytes_log: int
    bytes_job: int
    worker_bytes: int
    cold_bytes: int
    driver_bytes: int
    gets: int
    puts: int
    lists: int
    core_hours: float

    @property
    def worker_hours(self) -> float:
        """What is paid for, all workers together."""
        return self.workers * self.seconds / 3600


def plan_worker(measured: Measured, cores: int | None, elsewhere: float | None) -> Worker:
    """A worker like the one measured, or one with other cores, or with a base that is faster.

    Args:
        measured: the one here.
        cores: of the one planned; the measured one's when None.
        elsewhere: images a second of its base alone, measured on a machine like it; None for the
            base measured here.
    """
    cores = cores or measured.cores
    rest = 1.0 / measured.decoded_per_second + 1.0 / measured.encoded_per_second
    if elsewhere is None:
        scale = cores / measured.cores
        rate = measured.images_per_second * scale
        busy = math.ceil(max(rate, measured.engine_images_per_second * scale) * rest)
        return Worker(rate, cores, measured.waits, busy)
    decoded, encoded = cores / rest, measured.encoded_per_second
    rate = min(elsewhere, decoded, encoded)
    base = rate / elsewhere
    waits = Waits(base=base, images=1.0 - base)
    if encoded < min(elsewhere, decoded):
        waits = Waits(base=base, writing=1.0 - base)
    return Worker(rate, cores, waits, math.ceil(elsewhere * rest))


def forecast(work: Workload, measured: Measured, worker: Worker, workers: int) -> Forecast:
    """What the work takes with so many workers."""
    commits = 1 if work.commit_every is None else math.ceil(work.sources / work.commit_every)
    part = math.ceil(work.images / commits)  # parts are nearly equal
    rows = measured.shards.rows(part, workers)
    files = commits * math.ceil(part / rows)
    # The workers wait for one another at the end of every part.
    most = min(work.images, commits * busiest(part, rows, workers))
    extract = most / worker.images_per_second
    # One look to plan, and one before every commit.
    looks = (commits + 1) * work.listed_rows * LOOK_SECONDS
    driver = work.listing_seconds + looks + work.images * JOB_SECONDS + files * FILE_SECONDS
    start = measured.startup_seconds + (commits - 1) * measured.part_seconds
    seconds = start + driver + extract
    return Forecast(
        workers=workers,
        images_per_second=work.images / extract,
        extract_seconds=extract,
        driver_seconds=driver,
        seconds=seconds,
        shard_rows=rows,
        files=files,
        commits=commits,
        bytes_read=work.bytes_read + round(work.unsized * measured.image_bytes),
        bytes_stored=math.ceil(work.images * measured.row_bytes),
        bytes_raw=4 * work.images * measured.feature_length,
        bytes_log=files * LOG_BYTES,
        bytes_job=part * JOB_BYTES,
        worker_bytes=measured.peak_bytes,
        cold_bytes=measured.cold_bytes,
        driver_bytes=work.listed_rows * DRIVER_BYTES,
        gets=work.sources + files * READS_A_FILE,
        puts=files + commits * WRITES_A_COMMIT,
        lists=math.ceil(work.listed / LISTED) + 2 * commits * math.ceil(files / LISTED),
        core_hours=workers * worker.cores * seconds / 3600,
    )


def busiest(images: int, shard_rows: int, workers: int) -> int:
    """Images of the worker that has most, each taking the next shard when it is done with one."""
    full, rest = divmod(images, shard_rows)
    turns, left = divmod(full, workers)
    return (turns + 1) * shard_rows if left else turns * shard_rows + rest


def workers_for(work: Workload, measured: Measured, worker: Worker, hours: float) -> int:
    """The fewest workers with which the work is done in time.

    Raises:
        UsageError: no number of workers is enough.
    """
    limit = hours * 3600
    most = min(MOST_WORKERS, math.ceil(work.images / measured.shards.least))
    quickest = forecast(work, measured, worker, most).seconds
    if quickest > limit:
        raise UsageError(
            f"--hours {hours:g}: with {most} workers, a shard each, it takes "
            f"{quickest / 3600:.2g}; a smaller --shard_size spreads it further"
        )
    least = 0
    while most - least > 1:
        middle = (most + least) // 2
        if forecast(work, measured, worker, middle).seconds <= limit:
            most = middle
        else:
            least = middle
    return most
