"""Images through the base of a head on features, for predicting and for measuring."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.bases import parse_weights
from pipelines.cli import log
from pipelines.contract import Contract
from pipelines.engines.choosing import open_without_race
from pipelines.engines.engine import Engine
from pipelines.engines.extraction import extract_images
from pipelines.errors import WeightsError
from pipelines.images.decode import pixel_spec
from pipelines.records import Failure, ImageRef
from pipelines.table.precision import round_mantissa

BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class FeatureBatch:
    """Images that went through the base together.

    Attributes:
        refs: those that could be used.
        features: float32 (len(refs), length), as a table would hold them.
        failures: the others.
    """

    refs: list[ImageRef]
    features: npt.NDArray[np.float32]
    failures: Sequence[Failure]


def open_base(
    contract: Contract,
    weights: str | None,
    images: int,
    base_file: str | None,
    whose: str = "the model",
) -> Engine:
    """The base that features were made with; what it is opened for is told.

    Args:
        contract: of the features.
        weights: as `--weights` takes them; ImageNet's when None.
        images: how many go through it.
        base_file: path or URI of the base, if it is quantised.
        whose: the features are, for the complaint.

    Raises:
        UsageError: these are no weights.
        WeightsError: they are not those that the features were made with.
    """
    wanted = parse_weights("imagenet" if weights is None else weights)
    try:
        engine = open_without_race(contract, wanted, BATCH_SIZE, base_file)
    except WeightsError as error:
        if weights is not None or contract.quantisation is not None:
            raise
        raise WeightsError(
            f"{whose}'s features were made with weights {contract.weights[:12]}…, which could "
            f"not be had as ImageNet's; name them with --weights ({error})"
        ) from error
    log(f"{images} image{'' if images == 1 else 's'} through {contract.base}")
    return engine


def features_of(
    refs: Sequence[ImageRef], engine: Engine, contract: Contract
) -> Iterator[FeatureBatch]:
    """The features of images, a batch at a time; one that cannot be used costs itself only.

    Args:
        refs: the images.
        engine: opened for the contract.
        contract: of the features.
    """
    for each in extract_images(refs, engine, pixel_spec(contract)):
        features = each.block.features
        if each.block.sources:
            features = round_mantissa(features, contract.precision)
        yield FeatureBatch([source.ref for source in each.block.sources], features, each.failures)
