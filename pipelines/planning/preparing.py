"""What a run needs before it looks: its images, its contract, and a table that takes the result.

Tables that are filled in one run share the listing and the hashes of images.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipelines.contract import INT8
from pipelines.engines.request import Computation
from pipelines.errors import FrozenFeaturesError, UsageError
from pipelines.images.hashing import ContentHashes
from pipelines.images.inventory import examples
from pipelines.images.layout import STRATIFIED
from pipelines.images.listing import list_images
from pipelines.images.picked import by_id
from pipelines.images.splits import split_named
from pipelines.images.web_hashes import WebHashes
from pipelines.outputs import require_outside
from pipelines.planning.job import ExtractJob, make_contract
from pipelines.planning.labels import tell_labels
from pipelines.planning.quantisation import quantised_base
from pipelines.planning.run import Run
from pipelines.planning.there import require_some_there
from pipelines.records import ImageRef
from pipelines.shards.beam_flags import with_a_worker_a_gpu, workers_here
from pipelines.stores.places import is_remote
from pipelines.system.cores import usable_cores
from pipelines.system.gpus import visible_gpus
from pipelines.system.keras_backend import limit_threads
from pipelines.table.feature_table import FeatureTable
from pipelines.table.schema import optional_names
from pipelines.table.storage import check_writable, table_uri
from pipelines.table.stored import splits_of


def prepare_run(job: ExtractJob) -> Run:
    """List the input, fix the contract and make sure that the table can take the result.

    Raises:
        UsageError: the options or the input are wrong.
        TableError: the table's folder cannot be written.
    """
    (run,) = prepare_runs(job)
    return run


def prepare_runs(job: ExtractJob) -> list[Run]:
    """Prepare a run for each table of a job; they share one listing of the input.

    Splits that are made by strata keep to those that the tables hold, the first table's before
    those of others.

    Raises:
        UsageError: the options or the input are wrong, or do not fit one of the tables.
        TableError: a table's folder cannot be written.
    """
    jobs = job.by_table()
    uris = [table_uri(each.table) for each in jobs]
    _require_apart(uris)
    for number, uri in enumerate(uris):
        if not is_remote(uri) and not (Path(uri) / "_delta_log").exists():
            require_outside(Path(uri), "--also" if number else "--table")
    flags = with_a_worker_a_gpu(job.beam_flags, len(visible_gpus()))
    held: dict[str, str] = {}
    if job.layout.split_by == STRATIFIED:
        for uri in reversed(uris):
            held |= _splits_held(uri)
    refs = list_images(job.input, job.input_root, job.layout, held)
    require_some_there(refs, job.input)
    threads = _cores_of_a_worker(job.threads, flags)
    if threads is not None:
        limit_threads(threads)
    images = by_id(refs)
    tell_labels(examples(images))
    del refs  # of millions of images they are gigabytes
    hashes = ContentHashes(WebHashes(job.max_image_bytes).sha256_of)
    runs = []
    for each in jobs:
        with naming(each.table, len(jobs) > 1):
            runs.append(_prepare(each, images, threads, flags, hashes))
    return runs


def _prepare(
    job: ExtractJob,
    images: Mapping[str, ImageRef],
    threads: int | None,
    flags: Sequence[str],
    hashes: ContentHashes,
) -> Run:
    uri = table_uri(job.table)
    contract = make_contract(job.features)
    made = None
    if contract.compute_dtype == INT8:
        wanted = job.features
        made = quantised_base(contract, uri, images.values(), wanted.weights, wanted.calibration)
        contract = made.contract
    computation = Computation(
        *(contract, job.features.weights, job.batch_size, threads),
        base_file=None if made is None else made.base_file,
    )
    new = (None, None) if made is None else (made.content, made.difference)
    run = Run(job, images, computation, flags, hashes, *new)
    table = run.open_table()
    if job.copies and (table is None or table.augmentation is None):
        _check_augmented_split(run)
    if table is not None:
        table.check_takes(optional_names(examples(images)))
    check_writable(run.uri)
    return run


def _require_apart(uris: Sequence[str]) -> None:
    folders = [f"{uri.rstrip('/')}/" for uri in uris]
    for place, folder in enumerate(folders):
        for other in folders[:place]:
            if folder == other:
                raise UsageError(
                    f"two of the tables are {uris[place]}; each wants a place of its own"
                )
            if folder.startswith(other) or other.startswith(folder):
                outer, inner = sorted((folder, other), key=len)
                raise UsageError(
                    f"the table {inner[:-1]} would lie in the table {outer[:-1]}; "
                    "name a place outside"
                )


@contextmanager
def naming(table: str, wanted: bool) -> Iterator[None]:
    """Name the table that an error is of, where there are several."""
    try:
        yield
    except FrozenFeaturesError as error:
        if wanted:
            error.args = (f"{table}: {error}",)
        raise


def _splits_held(uri: str) -> dict[str, str]:
    table = FeatureTable.open_if_exists(uri)
    return {} if table is None else splits_of(table.keys())


def _check_augmented_split(run: Run) -> None:
    splits = {ref.split for ref in examples(run.images)}
    if split_named(run.augmentation.split) not in splits:
        raise UsageError(
            f"--augment makes copies of images in split {run.augmentation.split!r}, and the "
            f"input has none; it has {', '.join(sorted(splits)) or 'no images'}"
        )


def _cores_of_a_worker(wanted: int | None, flags: Sequence[str]) -> int | None:
    workers = workers_here(flags)
    return wanted if workers == 1 else wanted or max(1, usable_cores() // workers)
