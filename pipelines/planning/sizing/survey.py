"""What there is to extract, and by which engine, seen before it is done."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.contract import Augmentation, Contract
from pipelines.engines.choosing import RACE_FROM, choose_engine
from pipelines.engines.half_precision import require_worthwhile
from pipelines.engines.race_results import Choice
from pipelines.engines.request import EngineRequest
from pipelines.errors import UsageError
from pipelines.images.listing import list_images
from pipelines.images.picked import Picked, joined
from pipelines.planning.decision import decide
from pipelines.planning.job import ExtractJob
from pipelines.planning.preparing import prepare_run
from pipelines.planning.shard_sizes import ShardSizes, known_rate
from pipelines.planning.sizing.forecast import Workload
from pipelines.records import ImageRef
from pipelines.stores.reading import is_size_listed


@dataclass(frozen=True, slots=True)
class Survey:
    """What a run would find.

    Attributes:
        work: what it would have to do.
        refs: images and copies to measure on; empty when there is nothing to do.
        augmentation: how copies are made.
        choice: the engine and why it is that one; None when there is nothing to do.
        request: the same for whoever opens it; None likewise.
        sizes: how large the run's shards would be; None likewise.
        contract: what the features are to be.
        choosing_seconds: what choosing and opening it took; most of it is spent once a machine.
    """

    work: Workload
    refs: Sequence[ImageRef]
    augmentation: Augmentation
    choice: Choice | None
    request: EngineRequest | None
    sizes: ShardSizes | None
    contract: Contract
    choosing_seconds: float


def survey(job: ExtractJob, images: int | None) -> Survey:
    """List the input, hold it against the table, and choose the engine.

    Args:
        job: the extraction; its table need not be there.
        images: how many images to plan for, the input being a sample of them; None for those that
            the table lacks.

    Raises:
        UsageError: the options or the input are wrong, or none of the images can be used.
        EngineError, WeightsError: no engine can be opened.
    """
    started = time.perf_counter()
    run = prepare_run(job)
    listing = time.perf_counter() - started
    scene = run.look()
    started = time.perf_counter()
    decision = decide(run, scene)
    choosing = time.perf_counter() - started
    if unusable := decision.plan.unusable:
        raise UsageError(
            f"none of the {len(unusable)} images looked at can be used; "
            "pipelines.extract says why, for each"
        )
    refs = joined([shard.refs for shard in decision.plan.shards])
    sources, bytes_read, unsized = _sources(refs)
    work = Workload(
        images=len(refs),
        sources=sources,
        bytes_read=bytes_read,
        listed=len(run.images),
        listed_rows=len(scene.inputs),
        listing_seconds=listing,
        commit_every=job.commit_every,
        unsized=unsized,
    )
    found = Survey(
        *(work, refs, run.augmentation, decision.choice, decision.engine, decision.sizes),
        *(run.contract, choosing),
    )
    if images is None or decision.sizes is None:
        return found
    # A run of so many images would hold a race where one of the sample does not.
    like = list(itertools.islice(itertools.cycle(refs), min(images, RACE_FROM)))
    choice, request = choose_engine(job.engine, run.computation, like)
    require_worthwhile(choice, job.engine, run.contract, new=scene.table is None)
    choosing = time.perf_counter() - started
    sizes = replace(decision.sizes, images_per_second=known_rate(scene.table, choice))
    many = replace(
        work,
        images=images * work.images // work.listed,
        sources=images * work.sources // work.listed,
        bytes_read=images * work.bytes_read // work.listed,
        unsized=images * work.unsized // work.listed,
        listed=images,
        listed_rows=images * work.listed_rows // work.listed,
        listing_seconds=_seconds_of_listing(job) * images / work.listed,
    )
    return replace(
        found,
        work=many,
        choice=choice,
        request=request,
        sizes=sizes,
        choosing_seconds=choosing,
    )


def _sources(refs: Sequence[ImageRef]) -> tuple[int, int, int]:
    """Images, however many copies of each; their bytes; and images of which no size is listed."""
    if isinstance(refs, Picked):
        sizes = refs.inventory.sizes[refs.places]
        empty = Picked(refs.inventory, refs.places[sizes == 0])
        return len(refs), int(sizes.sum()), sum(not is_size_listed(ref) for ref in empty)
    sources = {ref.image_id: ref.bytes for ref in refs}
    unsized = {ref.image_id for ref in refs if not is_size_listed(ref)}
    return len(sources), sum(sources.values()), len(unsized)


def _seconds_of_listing(job: ExtractJob) -> float:
    started = time.perf_counter()
    list_images(job.input, job.input_root, job.layout)
    return time.perf_counter() - started
