"""One training on images: a folder or manifest in, a model folder out."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from classifiers.data.encoding import classes_of, parse_class_weight
from classifiers.data.held_out import held_out_split, validating
from classifiers.data.images import LabelledRefs, labelled, labels_of, of_split
from classifiers.data.memory import MemoryBudget
from classifiers.from_images.fitting import fit
from classifiers.from_images.image_set import EpochPlan, ImageSet, hold_images, require_room
from classifiers.from_images.on_base import count_tensors
from classifiers.from_images.way import ImageNetwork, Way
from classifiers.heads.course import Course, require_validation
from classifiers.heads.network import FittedNetwork
from classifiers.models.card import ImageCard, ModelCard
from classifiers.models.deciding import (
    Decided,
    Unseen,
    fit_decisions,
    require_held_out,
    unseen_by,
)
from classifiers.models.decision_options import NOTHING, Wanted
from classifiers.models.evaluation import measure
from classifiers.models.folder import write_model
from classifiers.models.pictures import draw
from classifiers.models.provenance import library_versions, now
from classifiers.models.reports import TrainReport
from classifiers.models.targets import Target
from classifiers.models.training_state import (
    CHECKPOINT_SECONDS,
    TrainingState,
    digest,
    of_every_training,
)
from pipelines.cli import log
from pipelines.images.decode import PixelSpec
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images
from pipelines.records import storable
from pipelines.system.keras_backend import load_keras


@dataclass(frozen=True, slots=True)
class ImageTrainJob:
    """One training on images.

    Attributes:
        source: folder or manifest.
        root: folder that a manifest's paths are relative to; None for its own.
        layout: how what is there is to be understood.
        pixels: how images are decoded, and augmented in training if they are.
        way: what is trained, and its settings.
        model: where the model goes.
        train_split: split to train on.
        validation_split: split to validate on; None for what is called so, if there is one.
        class_weight: "none", "balanced" or "CLASS=WEIGHT,...".
        seed: of every random choice but the transforms, which depend on the policy's own.
        budget: most memory for decoded images.
        wanted: what is to be fitted on the split validated on.
        checkpoint_every: seconds between two states that a killed training can go on from; None to
            keep none, nor go on from one.
    """

    source: str
    root: str | None
    layout: Layout
    pixels: PixelSpec
    way: Way
    model: Target
    train_split: str
    validation_split: str | None
    class_weight: str
    seed: int
    budget: MemoryBudget
    wanted: Wanted = NOTHING
    checkpoint_every: float | None = CHECKPOINT_SECONDS


def train_on_images(job: ImageTrainJob) -> TrainReport:
    """Train on images and write the model.

    Raises:
        UsageError: the folder is taken, the options do not fit, or the images do not fit in memory.
        InputError: the images cannot be listed, or none of a class can be used.
        TableError: a split has no labels, one class only, or one that is not trained on.
        WeightsError: the base's weights cannot be loaded.
    """
    started, worked = time.monotonic(), time.process_time()
    job.model.check()
    parts = _parts(job)
    validated_on = parts["validation"].split if "validation" in parts else None
    require_validation(job.way.keep, job.way.patience, validated_on)
    classes = parts["train"].classes
    require_room(list(parts.values()), job.pixels.size, job.budget)

    load_keras().utils.set_random_seed(job.seed)
    network = job.way.build(job.pixels.size, len(classes))
    tensors = count_tensors(network)
    if network.base is not None:
        log(
            f"{network.base.model.name}, weights from {network.base.source}: {tensors['whole']} "
            f"trainable weight tensors with the whole base, {tensors['frozen']} with it frozen"
        )
    sets = {name: hold_images(part, job.pixels) for name, part in parts.items()}
    held_out = sets.get("validation")
    require_held_out(
        job.wanted,
        None if held_out is None else held_out.targets,
        None if held_out is None else parts["validation"].split,
    )
    weight = parse_class_weight(job.class_weight, classes, sets["train"].targets)
    plan = EpochPlan(job.way.batch_size, job.seed, job.pixels.augmentation)
    state = None
    beside = job.model.state_beside()
    if job.checkpoint_every is not None and beside is not None:
        identity = _identity(job, network, sets, classes, weight)
        state = TrainingState(beside, identity, job.checkpoint_every)
    course = Course(job.way.keep, job.way.patience, state)
    history = fit(job.way, network, sets["train"], sets.get("validation"), plan, weight, course)
    if len(job.way.steps) > 1:
        tensors["unfrozen"] = network.tensors

    fitted = FittedNetwork(network.model)
    decisions = None
    if job.wanted.anything:
        told = unseen_by(fitted, sets["validation"].batches(), classes)
        unseen = Unseen(told, parts["validation"].split)
        decisions = fit_decisions(unseen, None, classes, job.wanted)
    decided = Decided(fitted, decisions)
    measured = {
        name: measure(decided, part.batches(), classes, decisions) for name, part in sets.items()
    }
    augmentation = job.pixels.augmentation
    card = ModelCard(
        head=job.way.name,
        settings=job.way.settings(),
        contract=None,
        contract_id=None,
        table=None,
        table_version=None,
        classes=classes,
        splits={
            name: parts[name].split if name in parts else None for name in ("train", "validation")
        },
        rows={name: len(part.targets) for name, part in sets.items()},
        class_weight=None if weight is None else {classes[k]: w for k, w in weight.items()},
        seed=job.seed,
        metrics={name: each.as_json() for name, each in measured.items()},
        seconds=round(time.monotonic() - started + course.seconds_before, 3),
        cpu_seconds=round(time.process_time() - worked + course.cpu_seconds_before, 3),
        created=now(),
        versions=library_versions(),
        copies=len(history) if augmentation else 0,
        augmentation=asdict(augmentation) if augmentation else None,
        images=_image_card(job, network, sets, tensors, passes=len(history) + 1),
        decisions=decisions,
        course=course.outcome(),
    )
    with job.model.draft() as draft:
        card = write_model(draft.folder, fitted, card, history)
        part = "validation" if "validation" in measured else "train"
        name, split = f"{job.way.name} from images", parts[part].split
        draw(draft.folder, history, measured[part], name, split)
    if state is not None:
        state.delete()
    return TrainReport(draft.place, card)


def _parts(job: ImageTrainJob) -> dict[str, LabelledRefs]:
    """The images by "train" and, where there are any to validate on, "validation"."""
    refs = list_images(job.source, job.root, job.layout)
    classes = classes_of(labels_of(of_split(refs, job.train_split, "--train_split")))
    parts = {"train": labelled(refs, job.train_split, classes)}
    there = {ref.split for ref in refs}
    held_out = held_out_split(job.train_split, job.validation_split, there)
    if held_out is not None:
        with validating(held_out):
            parts["validation"] = labelled(refs, held_out, classes)
    return parts


def _identity(
    job: ImageTrainJob,
    network: ImageNetwork,
    sets: dict[str, ImageSet],
    classes: Sequence[str],
    weight: dict[int, float] | None,
) -> dict[str, Any]:
    """What makes this training the one that it is; the images count by their pixels."""
    augmentation = job.pixels.augmentation
    return {
        "head": job.way.name,
        "settings": job.way.settings(),
        "weights": None if network.base is None else network.base.fingerprint,
        "augmentation": asdict(augmentation) if augmentation else None,
        **{
            name: digest(
                ["\0".join(part.ids).encode("utf-8", "surrogatepass"), part.targets, part.pixels]
            )
            for name, part in sets.items()
        },
        **of_every_training(classes, weight, job.seed),
    }


def _image_card(
    job: ImageTrainJob,
    network: ImageNetwork,
    sets: dict[str, ImageSet],
    tensors: dict[str, int],
    passes: int,
) -> ImageCard:
    model, base = network.model, network.base
    images = sum(len(part.targets) for part in sets.values())
    decided = len(sets["validation"].targets) if job.wanted.anything else 0
    return ImageCard(
        source=storable(job.source),
        size=job.pixels.size,
        interpolation=job.pixels.interpolation,
        orientation=job.pixels.orientation,
        preprocessing=job.way.preprocessing,
        base=None if base is None else base.model.name,
        weights=None if base is None else base.fingerprint,
        parameters=model.count_params(),
        trainable_parameters=sum(prod(each.shape) for each in model.trainable_weights),
        trainable_tensors=tensors,
        left_out={name: len(part.failures) for name, part in sets.items()},
        through_base=0 if base is None else passes * images + decided,
    )
