"""One choice: images in, what each kind of features is worth and costs out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers.choosing.accuracy import Question
from classifiers.choosing.candidates import Space, maps_of
from classifiers.choosing.engines import Engines
from classifiers.choosing.report import ChooseReport, Spend, write_trials
from classifiers.choosing.sample import draw_sample, labelled
from classifiers.choosing.trials import Sample, Trial, try_maps
from classifiers.data.folds import check_classes, cut, linked, require_whole
from classifiers.data.memory import MemoryBudget
from pipelines.bases import WeightsRequest, base_named
from pipelines.cli import few, log
from pipelines.engines.opening import open_base
from pipelines.errors import InputError, UsageError
from pipelines.images.decode import PixelSpec
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images
from pipelines.images.loading import LoadedImage, load_images
from pipelines.planning.job import DEFAULT_BATCH_SIZE, FeatureChoice
from pipelines.records import Failure, ImageRef
from pipelines.system.cores import usable_cores

NAMED = 3
"""Images that a message names."""

AHEAD = 64
"""Images decoded ahead."""


@dataclass(frozen=True, slots=True)
class ChooseJob:
    """What is to be tried on which images.

    Attributes:
        input: folder or manifest.
        input_root: folder that a manifest's paths are relative to; None for its own.
        layout: how the input is to be understood.
        split: split that is drawn from.
        sample: how many images.
        space: the features that are tried.
        folds: how many.
        strengths: values of C, ascending.
        seed: of the draw and of the folds.
        engine: the engine wanted, or "auto".
        spend: what the whole would cost.
        budget: most memory for features.
        output: folder for the table and the picture; None for none.
    """

    input: str
    input_root: str | None
    layout: Layout
    split: str
    sample: int
    space: Space
    folds: int
    strengths: tuple[float, ...]
    seed: int
    engine: str
    spend: Spend
    budget: MemoryBudget
    output: Path | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """What could be used of the images drawn.

    Attributes:
        images: with their pixels.
        per_second: images that all cores read and decoded.
    """

    images: tuple[LoadedImage, ...]
    per_second: float

    def sample(self) -> Sample:
        """Their pixels as one array."""
        refs = tuple(each.source.ref for each in self.images)
        return Sample(refs, np.stack([each.pixels for each in self.images]), self.per_second)


def choose(job: ChooseJob) -> ChooseReport:
    """Try all features on the same images, decoding these once for each size.

    Raises:
        UsageError: the images have no classes to tell apart, or a base does not take what is asked.
        InputError: the input cannot be listed, or no image of it can be used.
        WeightsError: the weights of a base cannot be loaded.
    """
    started = time.monotonic()
    rest = job.space.rest

    def layers_of(base: str) -> Sequence[str]:
        size = job.space.image_sizes[0] if job.space.image_sizes else None
        return _layers_of(base, size, rest.weights)

    everything = maps_of(job.space, layers_of)
    refs = labelled(list_images(job.input, job.input_root, job.layout), job.split, job.input)
    first = everything[0].choice.image_size or 0
    loaded = _decode(draw_sample(refs, job.sample, job.seed), first, rest)
    question = _ask(job, loaded.images)
    engines = Engines(job.engine, DEFAULT_BATCH_SIZE)
    sample = loaded.sample()
    trials: list[Trial] = []
    for number, maps in enumerate(everything, 1):
        size = maps.choice.image_size or 0
        if size != sample.pixels.shape[1]:
            sample = _decode(sample.refs, size, rest).sample()
            if len(sample.refs) < len(question.targets):
                raise InputError(f"images of {job.input} cannot be read any more; choose again")
        name = f"{maps.choice.base} {maps.choice.layer} at {size} pixels"
        log(f"{name} ({number} of {len(everything)})")
        trials += try_maps(maps, sample, question, engines, job.budget)
    if not trials:
        raise UsageError("nothing is left to be tried; raise --memory, or name other --poolings")
    if job.output is not None:
        job.output.mkdir(parents=True, exist_ok=True)
        write_trials(trials, job.spend, job.output)
    return ChooseReport(
        input=job.input,
        images=trials[0].images,
        folds=job.folds,
        trials=tuple(trials),
        spend=job.spend,
        seconds=round(time.monotonic() - started, 3),
        output=job.output,
    )


def _layers_of(base: str, image_size: int | None, weights: WeightsRequest) -> Sequence[str]:
    size = image_size or base_named(base).default_size
    return [layer.name for layer in open_base(base, size, weights).model.layers]


def _decode(refs: Sequence[ImageRef], size: int, rest: FeatureChoice) -> Decoded:
    spec = PixelSpec(size, rest.interpolation, rest.orientation)
    began = time.perf_counter()
    found = list(load_images(refs, spec, usable_cores(), AHEAD))
    taken = time.perf_counter() - began
    failed = [each.ref.image_id for each in found if isinstance(each, Failure)]
    if len(failed) == len(found):
        raise InputError(
            f"none of the {len(refs)} images drawn can be used; extract says why, for each"
        )
    if failed:
        log(f"{len(failed)} of the images drawn cannot be used: {few(failed, NAMED)}")
    images = tuple(each for each in found if not isinstance(each, Failure))
    return Decoded(images, len(found) / taken)


def _ask(job: ChooseJob, loaded: Sequence[LoadedImage]) -> Question:
    names = [each.source.ref.label or "" for each in loaded]
    classes = sorted(set(names))
    targets = np.array([classes.index(name) for name in names])
    # Equal bytes and what is of one group stay together, as in a search.
    marks = []
    for source in (each.source for each in loaded):
        group = source.ref.group
        marks.append([(0, source.sha256)] + ([] if group is None else [(1, group)]))
    units = linked(marks)
    check_classes(targets, units, classes, job.folds)
    folds = cut(targets, units, np.ones(len(targets), bool), job.folds, job.seed)
    require_whole(folds, targets, classes)
    return Question(targets, len(classes), tuple(folds), job.strengths)
