"""Which quantised base a run computes with: the table's, or one that is made before any shard."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from pipelines.bases import WeightsRequest
from pipelines.bases.quantised import quantised_at
from pipelines.cli import log
from pipelines.contract import FILE_BASES, SCHEMES, Contract, Quantisation
from pipelines.engines.int8.difference import difference_on
from pipelines.engines.int8.quantising import quantise, require_quantiser
from pipelines.engines.parallel import Pixels
from pipelines.errors import UsageError
from pipelines.images.decode import PixelSpec, pixel_spec
from pipelines.images.listing import list_images
from pipelines.images.loading import load_images
from pipelines.images.splits import TRAIN
from pipelines.records import Difference, Failure, ImageRef
from pipelines.system.cores import usable_cores
from pipelines.system.signals import always_clean_up
from pipelines.table.base_files import keep_base, kept_contracts
from pipelines.table.feature_table import FeatureTable

CALIBRATION_IMAGES = 100
CALIBRATION_SEED = 0

HELD_OUT_IMAGES = 20
"""Drawn besides, for measuring the base on images that its ranges know nothing of."""


@dataclass(frozen=True, slots=True)
class QuantisedBase:
    """What a run computes with.

    Attributes:
        contract: with its quantisation.
        base_file: path or URI of the base; None where the table has none.
        content: the base's file if it was made just now; the table's folder lacks it then.
        difference: from float32's features, if it was made just now.
    """

    contract: Contract
    base_file: str | None
    content: bytes | None = None
    difference: Difference | None = None


def quantised_base(
    contract: Contract,
    uri: str,
    images: Iterable[ImageRef],
    weights: WeightsRequest,
    calibration: str | None,
) -> QuantisedBase:
    """Take the base that a table's folder keeps, or make one.

    Args:
        contract: the features wanted, without a quantisation.
        uri: the table, as `table_uri` gives it.
        images: the run's.
        weights: where to look for the weights.
        calibration: folder or manifest of the images to find ranges on; some of the run's own when
            None.

    Raises:
        UsageError: what quantises is not installed, or no image can be used for it.
        WeightsError, EngineError: see `quantise`.
        TableError: the table cannot be read.
    """
    table = FeatureTable.open_if_exists(uri)
    if table is not None:
        # Where anything else differs too, the table refuses the options in its own words.
        held = replace(contract, quantisation=table.contract.quantisation)
        return QuantisedBase(held, quantised_at(uri, held))
    for kept in kept_contracts(uri):  # of a run that ended before its first commit
        if replace(kept, quantisation=None) == contract:
            return QuantisedBase(kept, quantised_at(uri, kept))
    require_quantiser()
    refs, described = _to_draw_from(images, calibration)
    pixels = draw_pixels(refs, pixel_spec(contract))
    if not len(pixels):
        raise UsageError("no image can be used to quantise the base; name some by --calibration")
    pixels, held_out = _set_apart(pixels)
    log(f"the base is quantised on {len(pixels)} images, once for this table")
    base = quantise(contract, weights, pixels)
    difference = difference_on(base, held_out, usable_cores())
    _tell(difference, contract)
    content = base.content
    said = f"{len(pixels)} of {len(refs)} {described}, seed {CALIBRATION_SEED}"
    quantisation = Quantisation(SCHEMES[-1], sha256(content).hexdigest(), said)
    made = replace(contract, quantisation=quantisation)
    folder = _own_folder()
    keep_base(folder, made, content)
    return QuantisedBase(made, quantised_at(folder, made), content, difference)


def _set_apart(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """Images to find ranges on, and others to measure with: the same where there are under six."""
    drawn = CALIBRATION_IMAGES + HELD_OUT_IMAGES
    held = len(pixels) * HELD_OUT_IMAGES // drawn
    return (pixels[:-held], pixels[-held:]) if held else (pixels, pixels)


def _tell(difference: Difference, contract: Contract) -> None:
    log(f"its features differ from float32's by {difference}")
    if difference.is_far:
        of_a_file = contract.base in FILE_BASES
        measured = (
            "train a head on a table in float32 as well and compare the two"
            if of_a_file
            else "frozen-features choose --compute_dtypes float32,int8 measures a head on both"
        )
        log(f"warning: that is far, and a head may be less accurate; {measured}")


def draw_pixels(refs: Sequence[ImageRef], spec: PixelSpec) -> Pixels:
    """Decode images drawn at random, in the order drawn; those that cannot be used are passed over.

    Returns:
        uint8 (n, size, size, 3), n at most `CALIBRATION_IMAGES` and `HELD_OUT_IMAGES`.
    """
    order = np.random.default_rng(CALIBRATION_SEED).permutation(len(refs))
    threads = usable_cores()
    pixels = []
    for each in load_images((refs[place] for place in order), spec, threads, threads):
        if not isinstance(each, Failure):
            pixels.append(each.pixels)
        if len(pixels) == CALIBRATION_IMAGES + HELD_OUT_IMAGES:
            break
    return np.stack(pixels) if pixels else np.zeros((0, spec.size, spec.size, 3), np.uint8)


def _to_draw_from(
    images: Iterable[ImageRef], calibration: str | None
) -> tuple[list[ImageRef], str]:
    if calibration is not None:
        refs, described = list_images(calibration), "calibration images"
    else:
        own = list(images)
        refs = [ref for ref in own if ref.split == TRAIN]
        described = f"images of split {TRAIN}" if refs else "images"
        refs = refs or own
    return sorted(refs, key=lambda ref: ref.image_id), described


@functools.cache
def _own_folder() -> str:
    folder = tempfile.mkdtemp(prefix="frozen-features-")
    remove = functools.partial(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(remove)
    always_clean_up(remove)
    return folder
