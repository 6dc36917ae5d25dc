"""What a contract says of its base and of what is done to pixels before it."""

from typing import Any

import numpy as np

from pipelines.bases.catalogue import IN_FILE, Base, base_named
from pipelines.bases.preprocessing import preprocess
from pipelines.bases.scaling import scaling_of
from pipelines.contract import FILE_BASES, NUMBERS, Contract

_FILES = {name: Base(name, IN_FILE, "", 0, (), 0, min_size=1) for name in FILE_BASES}


def base_of(contract: Contract) -> Base:
    """The row of a contract's base; of a base from a file it holds a name and no more.

    Raises:
        UsageError: this version knows no such base.
    """
    return _FILES.get(contract.base) or base_named(contract.base, contract.top)


def prepare(contract: Contract, images: Any) -> Any:  # noqa: ANN401 - any tensor
    """Do to pixels what a contract says before they enter the base.

    Args:
        contract: of the features.
        images: float32 (n, height, width, 3), RGB, 0 to 255; a NumPy array or a Keras tensor.

    Returns:
        The same shape, as the base takes it.
    """
    if contract.preprocessing != NUMBERS:
        return preprocess(base_of(contract), contract.preprocessing, images)
    scaling = scaling_of(contract)
    if scaling.channels == "bgr":
        images = images[..., ::-1]
    images = images * np.float32(scaling.scale)
    if scaling.mean:
        images = images - np.array(scaling.mean, np.float32)
    return images / np.array(scaling.std, np.float32) if scaling.std else images
