"""What a table's properties say of its features, held against what this version knows."""

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

from pipelines.bases import BASES
from pipelines.contract import (
    COMPUTE_DTYPES,
    FILE_BASES,
    Augmentation,
    Contract,
    augmentation_from_json,
    contract_from_json,
)
from pipelines.table.precision import MANTISSA_BITS
from pipelines.table.schema import AUGMENTATION_KEY, CONTRACT_KEY, SHAPE_KEY
from pipelines.untrusted import value_from_json

MOST_FEATURES = 2**31 - 1
"""Of a row: its offsets in a list are 32 bits wide."""


class Properties(NamedTuple):
    """What all rows of a table share.

    Attributes:
        contract: of all features.
        feature_shape: of one image's features before flattening.
        augmentation: how copies are made; None while there never were any.
    """

    contract: Contract
    feature_shape: tuple[int, ...]
    augmentation: Augmentation | None


def read_properties(settings: Mapping[str, str]) -> Properties:
    """Read a table's properties.

    Args:
        settings: the Delta table's configuration, which has a contract and a shape.

    Raises:
        ValueError: one of them is not what it should be; one line says which and why.
    """
    policy = settings.get(AUGMENTATION_KEY)
    return Properties(
        known_contract(settings[CONTRACT_KEY]),
        shape_from_json(settings[SHAPE_KEY]),
        None if policy is None else augmentation_from_json(policy),
    )


def known_contract(text: str) -> Contract:
    """Read a contract whose values this version knows.

    Raises:
        ValueError: it is none.
    """
    contract = contract_from_json(text)
    known = {
        "base": {*BASES, *FILE_BASES},
        "compute_dtype": COMPUTE_DTYPES,
        "precision": MANTISSA_BITS,
    }
    for field, values in known.items():
        value = getattr(contract, field)
        if value not in values:
            raise ValueError(f"{field} {value!r} is not known to this version")
    if contract.image_size < 1:
        raise ValueError(f"image_size {contract.image_size} is not above 0")
    contract.check_quantisation()
    return contract


def shape_from_json(text: str) -> tuple[int, ...]:
    """Read the shape of an image's features before flattening.

    Raises:
        ValueError: it is none.
    """
    shape = value_from_json(text, tuple[int, ...])
    if not shape or min(shape) < 1 or prod(shape) > MOST_FEATURES:
        raise ValueError(f"{list(shape)} is no shape of features")
    return shape
