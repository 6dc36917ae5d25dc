"""Whether an exported model says what this project says, on images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.images import read_pixels
from classifiers.heads.answers import Gives
from classifiers.models.card import ModelCard
from classifiers.models.folder import Model
from classifiers.models.through_base import open_base
from pipelines.cli import log
from pipelines.errors import FrozenFeaturesError, ModelError
from pipelines.images.decode import PixelSpec, pixel_spec
from pipelines.images.listing import list_or_name
from pipelines.records import ImageRef, row_name
from pipelines.table.feature_table import FeatureTable
from pipelines.table.precision import round_mantissa
from pipelines.table.stored import StoredImage
from pipelines.table.whereabouts import images_of_rows

IMAGES = 64
"""That an exported model is tried on."""

REAL = 32
"""Of them at most those that the model was trained on; the others are noise."""

BOUND = 1e-4
"""Largest difference of a probability. Of a score, by its own size where that is above 1."""

Answered = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Trial:
    """Images to try a model on.

    Attributes:
        pixels: uint8 (IMAGES, size, size, 3), RGB.
        real: how many of them are images of the training; the first ones.
    """

    pixels: npt.NDArray[np.uint8]
    real: int


def trial_images(card: ModelCard) -> Trial:
    """Images of the training as far as they can be read here, and noise from a seed."""
    spec = pixel_spec(card.contract) if card.contract is not None else card.of_images().pixel_spec()
    real = _real_images(card, spec)
    noise = np.random.default_rng(0).integers(
        0, 256, (IMAGES - len(real), spec.size, spec.size, 3), dtype=np.uint8
    )
    return Trial(np.concatenate([real, noise]), len(real))


def product_answers(
    model: Model, gives: Gives, pixels: npt.NDArray[np.uint8], weights: str | None
) -> Answered:
    """What this project says of pixels, as `predict --input` would.

    Args:
        model: the model.
        gives: whether its probabilities are wanted, or its scores.
        pixels: uint8 (n, size, size, 3).
        weights: of the base, as `--weights` takes them.

    Raises:
        WeightsError: they are not those that the model's features were made with.
    """
    contract = model.card.contract
    if contract is None:
        judged = model.judge(pixels.astype(np.float32))
    else:
        engine = open_base(contract, weights, len(pixels), model.base_file)
        some = range(0, len(pixels), engine.batch_size)
        parts = [engine.extract(pixels[start : start + engine.batch_size]) for start in some]
        judged = model.judge(round_mantissa(np.concatenate(parts), contract.precision))
    answers = judged.probabilities if gives == "probabilities" else judged.scores
    assert answers is not None
    return answers


def require_same(found: Answered, wanted: Answered) -> float:
    """Hold an exported model's answers against this project's.

    Args:
        found: (n, classes), of the exported model.
        wanted: of the same images and classes.

    Returns:
        The largest difference, as `BOUND` counts it.

    Raises:
        ModelError: it is too large, or no number.
    """
    if found.shape != wanted.shape:
        raise ModelError(
            f"the exported model gives arrays of shape {found.shape} for {len(wanted)} images, not "
            f"{wanted.shape}; nothing was written"
        )
    differences = np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))
    off = ~(differences <= BOUND).all(axis=1)
    if off.any():
        raise ModelError(
            f"the exported model differs from this one by up to {differences.max():.1e} on "
            f"{off.sum()} of {len(wanted)} images, more than {BOUND:g}; nothing was written: "
            "try another --format"
        )
    return float(differences.max())


def _real_images(card: ModelCard, spec: PixelSpec) -> npt.NDArray[np.uint8]:
    none = np.zeros((0, spec.size, spec.size, 3), np.uint8)
    try:
        refs = _of_table(card) if card.images is None else list_or_name(card.images.source)[:REAL]
        return np.concatenate([none, *(batch.pixels for batch in read_pixels(refs, spec))])
    except (FrozenFeaturesError, OSError) as error:
        log(f"no image of the training can be read here, noise has to do ({error})")
        return none


def _of_table(card: ModelCard) -> list[ImageRef]:
    """The first images of the table, of those that lie where this user extracted them from."""
    table = FeatureTable.open(card.table or "", card.table_version)
    columns = ["image_id", "copy", "uri", "label", "split", "sha256"]
    with table.reading():
        rows = table.dataset().head(REAL, columns=columns, batch_size=REAL).to_pylist()
    stored = {
        row_name(row["image_id"], row["copy"]): StoredImage(
            "", row["uri"], row["label"], row["split"], row["sha256"], 0, 0
        )
        for row in rows
        if row["uri"] is not None and not row["copy"]
    }
    refs, _ = images_of_rows(table, stored, ())
    return refs
