"""An extraction as one object: what `main` makes of its options, and all that is taken inside."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipelines.bases import (
    SCALINGS,
    Scaling,
    WeightsRequest,
    base_named,
    check_preprocessing,
    check_scaling,
    facts_of,
    known_fingerprint,
)
from pipelines.bases.keras_file import refuse_other_size
from pipelines.bases.weights_request import is_model_folder
from pipelines.contract import FILE_BASES, INT8, KERAS_FILE, NUMBERS, ONNX_FILE, SQUASH, Contract
from pipelines.engines.kinds import AUTO
from pipelines.engines.opening import open_base
from pipelines.errors import UsageError
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.resizing import resizing_named
from pipelines.stores.reading import MAX_IMAGE_BYTES

DEFAULT_BATCH_SIZE = 32
IMAGENET = WeightsRequest("imagenet")


@dataclass(frozen=True, slots=True)
class FeatureChoice:
    """Which features are wanted, in the user's words; becomes a contract once weights are known.

    Attributes:
        base: name of the base; one of `FILE_BASES` where `weights` name its file.
        weights: where its weights come from.
        image_size: height and width in pixels; None for the base's own.
        interpolation, orientation, preprocessing, pooling, precision, compute_dtype: as in
            `Contract`.
        layer: the layer whose output is taken; None for the base's last.
        top: whether the base has its classifying top.
        scaling: what is done to pixels, in numbers; None where `preprocessing` says it.
        resize: as `--resize` takes it.
        calibration: folder or manifest of the images that a base is quantised on; some of the
            run's own when None.
    """

    base: str = "VGG16"
    weights: WeightsRequest = IMAGENET
    image_size: int | None = None
    interpolation: str = "bilinear"
    orientation: str = "ignored"
    preprocessing: str = "imagenet"
    layer: str | None = None
    pooling: str = "none"
    precision: str = "float32"
    compute_dtype: str = "float32"
    top: bool = False
    scaling: Scaling | None = None
    resize: str = SQUASH
    calibration: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A further table of an extraction.

    Attributes:
        table: its location.
        features: which features it holds.
    """

    table: str
    features: FeatureChoice


@dataclass(frozen=True, slots=True)
class ExtractJob:
    """One extraction.

    Attributes:
        input: folder or manifest.
        table: the table's location.
        features: which features.
        also: further tables that are filled in the same run.
        input_root: folder that a manifest's paths are relative to; None for its own.
        layout: how the input is to be understood.
        engine: the engine wanted, or "auto".
        batch_size: images the engine takes at once.
        threads: reading and decoding threads a worker; as many as cores when None.
        shard_rows: most images of a shard; None to size shards by bytes and
            time.
        commit_every: most images of a part, which is committed when it is done; None to commit
            once, at the end.
        max_failures: most new failures at which the run commits; None for the larger of 10 and
            1 % of the images attempted.
        retry_failures: try known failures again.
        prune: remove rows whose image is no longer in the input.
        max_pruned: most images that may be removed so; None for the larger of 10 and 10 % of the
            table's.
        refuse_leakage: do not commit while the same bytes are in two splits or under two labels.
        beam_flags: options for Beam, as on the command line.
        copies: augmented copies wanted of each image that is trained on.
        augmentation: what is named of how they are made, by field of `Augmentation`; the rest is
            as the table has it, or as in the book where there are no copies yet.
        max_image_bytes: most that an image's file may have; a larger one is a failure.
        hours: wall-clock time within which the last part is to end; None for as long as it takes.
        budget: money within which it is to end; None likewise. Wants a price.
        price_per_hour: of a worker; None when not named.
    """

    input: str
    table: str
    features: FeatureChoice = FeatureChoice()
    also: tuple[Destination, ...] = field(default=(), kw_only=True)
    input_root: str | None = None
    layout: Layout = PLAIN
    engine: str = AUTO
    batch_size: int = DEFAULT_BATCH_SIZE
    threads: int | None = None
    shard_rows: int | None = None
    commit_every: int | None = None
    max_failures: int | None = None
    retry_failures: bool = False
    prune: bool = False
    max_pruned: int | None = None
    refuse_leakage: bool = False
    beam_flags: tuple[str, ...] = ()
    copies: int = 0
    augmentation: Mapping[str, Any] = field(default_factory=dict)
    max_image_bytes: int = MAX_IMAGE_BYTES
    hours: float | None = None
    budget: float | None = None
    price_per_hour: float | None = None

    def by_table(self) -> "tuple[ExtractJob, ...]":
        """The same into each of the tables alone, that of `table` first."""
        alone = replace(self, also=())
        further = (replace(alone, table=to.table, features=to.features) for to in self.also)
        return (alone, *further)


def make_contract(choice: FeatureChoice) -> Contract:
    """Fix what was chosen, including which weights they are.

    ImageNet weights and those that were loaded before are known by their fingerprint; others are
    loaded to be fingerprinted.

    Which quantised base computes, if one does, is left open.

    Raises:
        UsageError: the base does not exist, cannot take images of that size, or is not for that
            preprocessing.
        WeightsError: the weights cannot be loaded.
    """
    if choice.calibration is not None and choice.compute_dtype != INT8:
        raise UsageError("--calibration is for --compute_dtype int8; leave it out, or name that")
    if choice.base in FILE_BASES:
        return _contract_of_file(choice)
    base = base_named(choice.base, choice.top)
    size = choice.image_size or base.default_size
    if size < base.min_size:
        raise UsageError(
            f"{base.name} takes images of at least {base.min_size} pixels, not --image_size {size}"
        )
    if base.top and choice.weights.kind == "imagenet" and size not in base.top_sizes:
        sizes = " or ".join(str(size) for size in base.top_sizes)
        raise UsageError(
            f"{base.name}'s ImageNet top is for images of {sizes} pixels, not --image_size {size}"
        )
    check_preprocessing(base, NUMBERS if choice.scaling else choice.preprocessing)
    weights = known_fingerprint(base, size, choice.weights)
    if weights is None:
        weights = open_base(base.name, size, choice.weights, choice.top).fingerprint
    return _contract(choice, base.name, weights, size, choice.layer or base.last_layer)


def _contract_of_file(choice: FeatureChoice) -> Contract:
    path = choice.weights.path
    if choice.top:
        raise UsageError(
            f"--top has no meaning with --base {path}; --layer takes any of its layers"
        )
    if choice.base == ONNX_FILE and choice.compute_dtype not in ("float32", INT8):
        raise UsageError(
            f"--base {path} computes as its tensors are or in int8, not in --compute_dtype "
            f"{choice.compute_dtype}"
        )
    scaling = choice.scaling
    if scaling is None and choice.preprocessing == "imagenet" and is_model_folder(choice.weights):
        choice = replace(choice, scaling=SCALINGS["none"])  # its preprocessing is in it
    elif scaling is None and choice.preprocessing == "imagenet":
        raise UsageError(
            f"how pixels enter {path} is not known: say --preprocessing {', '.join(SCALINGS)}, or "
            "--scale, --mean, --std and --channels"
        )
    facts = facts_of(choice.weights, choice.layer)
    if choice.base == KERAS_FILE:
        refuse_other_size(path, facts.size, choice.image_size)
    size = choice.image_size or facts.size
    if size is None:
        raise UsageError(f"{path} takes images of any size; say which with --image_size")
    return _contract(choice, facts.base, facts.fingerprint, size, facts.layer)


def _contract(choice: FeatureChoice, base: str, weights: str, size: int, layer: str) -> Contract:
    scaling = choice.scaling
    if scaling is None and choice.base in FILE_BASES:
        scaling = SCALINGS[choice.preprocessing]
    if scaling is not None:
        check_scaling(scaling)
    in_numbers = {} if scaling is None else asdict(scaling)
    return Contract(
        base=base,
        weights=weights,
        image_size=size,
        interpolation=choice.interpolation,
        orientation=choice.orientation,
        preprocessing=choice.preprocessing if scaling is None else NUMBERS,
        layer=layer,
        pooling=choice.pooling,
        compute_dtype=choice.compute_dtype,
        precision=choice.precision,
        top=choice.top,
        resize=resizing_named(choice.resize, size).name,
        **in_numbers,
    )
