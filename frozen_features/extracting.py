"""Extracting features, and planning how long that takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from frozen_features.keywords import LayoutOptions, Location, arguments, parse_keywords
from frozen_features.watching import drift_since
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from pipelines.commits.report import ExtractReport
    from pipelines.planning.sizing.report import NothingToDo, PlanReport


@without_secrets
def extract(  # noqa: D417 - each option is explained by the command's --help
    input: Location,
    table: Location,
    *,
    input_root: Location | None = None,
    base: str = "VGG16",
    weights: Location = "imagenet",
    image_size: int | None = None,
    preprocessing: str = "imagenet",
    scale: float | str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    channels: str | None = None,
    interpolation: str = "bilinear",
    resize: str = "squash",
    orientation: str = "ignored",
    top: bool = False,
    layer: str | None = None,
    pooling: str = "none",
    precision: str = "float32",
    compute_dtype: str = "float32",
    calibration: Location | None = None,
    also: Sequence[str] | None = None,
    augment: int = 0,
    rotation: float | None = None,
    width_shift: float | None = None,
    height_shift: float | None = None,
    shear: float | None = None,
    zoom: float | None = None,
    horizontal_flip: bool | None = None,
    fill: str | None = None,
    augment_seed: int | None = None,
    augment_split: str | None = None,
    engine: str = "auto",
    batch_size: int = 32,
    threads: int | None = None,
    shard_size: int | None = None,
    commit_every: int | None = None,
    max_image_bytes: int = 256 << 20,
    metrics_file: Location | None = None,
    push_metrics: str | None = None,
    price_per_hour: float | None = None,
    hours: float | None = None,
    budget: float | None = None,
    max_failures: int | None = None,
    retry_failures: bool = False,
    prune: bool = False,
    max_pruned: int | None = None,
    leakage: str = "report",
    watch_drift: bool = False,
    beam_options: Sequence[str] = (),
    **layout: Unpack[LayoutOptions],
) -> "ExtractReport":
    """Bring a feature table up to a folder or manifest of images: what is there is not done again.

    The arguments are the options of `frozen-features extract`, and its `--help` explains each.
    Ctrl-C ends it as it ends any function; finished shards are kept, and the next call goes on
    from them.

    Args:
        input: folder or manifest of images.
        table: the feature table; made if it is not there.
        base: the frozen base, by name or as a file; `bases()` lists them, or a file's layers.
        weights: "imagenet", "random", "random:SEED", or a weights file.
        image_size: height and width in pixels; the base's own when None.
        layer: layer of the base whose output is taken; its last when None.
        pooling: "none", "avg" or "max" over height and width or over tokens, or "cls".
        scale, mean, std, channels: how pixels enter, (pixels x scale - mean) / std, colours in the
            order "rgb" or "bgr"; in place of `preprocessing`.
        resize: "squash", "crop", "crop:SIDE", "letterbox" or "letterbox:GREY".
        also: further tables to fill in the same run, as "BASE[:LAYER[:POOLING]]=TABLE"; their
            reports are the report's `also`.
        augment: augmented copies of each training image.
        engine: what runs the base; "auto" is the fastest that gives Keras's features.
        hours: stop before the part, of `commit_every` images, that would not end in this time.
        budget: the same, by money; wants `price_per_hour`, of a worker.
        metrics_file: a .prom file for what a monitor is to know; `push_metrics`: a Pushgateway.
        prune: remove rows whose image is gone.
        watch_drift: whether to hold the new version against the one before; see the report's
            `drift`.
        beam_options: Beam's own, as on a command line: `["--runner=FlinkRunner", ...]`.

    Raises:
        UsageError: an argument is wrong, or the table holds other features; nothing was attempted.
        FrozenFeaturesError: the work failed; the table is at its last commit.
        OSError: the table's folder cannot be written.
    """
    given = arguments(locals())
    del given["beam_options"]
    from pipelines import extract as command

    options = parse_keywords(command.make_parser(), given)
    return command.work(options, list(beam_options), drift_since)


@without_secrets
def plan(  # noqa: D417 - each option is explained by the command's --help
    input: Location | None = None,
    *,
    input_root: Location | None = None,
    table: Location | None = None,
    images: int | None = None,
    image_bytes: int | None = None,
    workers: int | None = None,
    hours: float | None = None,
    cores: int | None = None,
    images_per_second: float | None = None,
    price_per_hour: float | None = None,
    base: str = "VGG16",
    weights: Location = "imagenet",
    image_size: int | None = None,
    preprocessing: str = "imagenet",
    scale: float | str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    channels: str | None = None,
    interpolation: str = "bilinear",
    resize: str = "squash",
    orientation: str = "ignored",
    top: bool = False,
    layer: str | None = None,
    pooling: str = "none",
    precision: str = "float32",
    compute_dtype: str = "float32",
    calibration: Location | None = None,
    augment: int = 0,
    rotation: float | None = None,
    width_shift: float | None = None,
    height_shift: float | None = None,
    shear: float | None = None,
    zoom: float | None = None,
    horizontal_flip: bool | None = None,
    fill: str | None = None,
    augment_seed: int | None = None,
    augment_split: str | None = None,
    engine: str = "auto",
    batch_size: int = 32,
    threads: int | None = None,
    shard_size: int | None = None,
    commit_every: int | None = None,
    max_image_bytes: int = 256 << 20,
    seconds: float = 10.0,
    **layout: Unpack[LayoutOptions],
) -> "PlanReport | NothingToDo":
    """Forecast time, memory, disk and requests of an extraction, measured on some of its images.

    The arguments are the options of `frozen-features plan`, and its `--help` explains each.

    Args:
        input: folder or manifest of images; None to measure on drawn pictures.
        table: plan only what this table lacks.
        images: plan for so many, `input` being some like them.
        image_bytes: with `images` and no `input`: bytes of one.
        workers: that share the work; 1 when None.
        hours: in which it is to be done, for the number of workers.
        seconds: to measure for, about.

    Raises:
        UsageError: an argument is wrong.
        EngineError, WeightsError: no engine can be opened.
    """
    given = arguments(locals())
    from pipelines import plan as command

    return command.work(parse_keywords(command.make_parser(), given))
