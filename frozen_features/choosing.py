"""Choosing features as a function."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from frozen_features.keywords import LayoutOptions, Location, arguments, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.choosing.report import ChooseReport


@without_secrets
def choose(
    input: Location,
    *,
    split: str = "train",
    sample: int = 500,
    bases: str | Sequence[str] = "VGG16",
    layers: str | Sequence[str] = "last",
    poolings: str | Sequence[str] = "none,avg",
    image_sizes: int | Sequence[int] | None = None,
    compute_dtypes: str | Sequence[str] = "float32",
    weights: str = "imagenet",
    preprocessing: str = "imagenet",
    interpolation: str = "bilinear",
    orientation: str = "ignored",
    engine: str = "auto",
    folds: int = 5,
    C: str | Sequence[float] = "1e-6:10:8",  # noqa: N803 - as scikit-learn has it
    seed: int = 0,
    images: int | None = None,
    price_per_hour: float | None = None,
    memory: str | int | None = None,
    input_root: Location | None = None,
    output: Location | None = None,
    **layout: Unpack[LayoutOptions],
) -> "ChooseReport":
    """Try bases, layers and poolings on a sample of images; nothing is kept of it.

    Args:
        input: folder or manifest of images with labels.
        split: that the sample is drawn from.
        sample: images to try on.
        bases: names of bases.
        layers: names of layers; "last" stands for a base's last.
        poolings: of none, avg and max.
        image_sizes: pixels; each base's own when None.
        compute_dtypes: what the bases compute in.
        weights: of all bases: "imagenet", "random", "random:SEED", or a weights file.
        preprocessing: "imagenet", each base's own, or "rescale".
        interpolation: for resizing.
        orientation: whether the EXIF orientation is "applied" or "ignored".
        engine: what runs the bases.
        folds: to score on.
        C: values, or "LEAST:GREATEST:COUNT" in equal ratios; the best is taken.
        seed: of the sample and the folds.
        images: how many are to be extracted, for a forecast of hours.
        price_per_hour: of a machine like this one, for a forecast of the price.
        memory: most memory for features, as "8G" or in bytes; half of what the process may use
            when None.
        input_root: with a manifest: folder that its paths are relative to.
        output: folder for a CSV and a picture.
        **layout: how the input is to be understood, see `LayoutOptions`.

    Returns:
        The report: its `trials` are what was tried, `best` is the most accurate, `advised` the
        fastest within one standard error of it.

    Raises:
        UsageError: an argument is wrong, or the images have no classes to tell apart.
        InputError: the input cannot be listed, or no image drawn can be used.
        WeightsError: the weights of a base cannot be loaded.
    """
    given = arguments(locals())
    from classifiers import choose as command

    for name in ("bases", "layers", "poolings", "image_sizes", "compute_dtypes", "C"):
        value = given.get(name)
        if isinstance(value, Sequence) and not isinstance(value, str):
            given[name] = ",".join(map(str, value))
    return command.work(parse_keywords(command.make_parser(), given))
