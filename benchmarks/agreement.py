"""Whether two ways made the same features, without which their speeds compare nothing."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.child import ChildError
from classifiers.data.dataset import load


def read_features(output: Path, images: int) -> npt.NDArray[np.float32]:
    """What a way wrote, float32 (images, length).

    Args:
        output: a `.npy` file or a feature table.
        images: rows that it must have.

    Raises:
        ChildError: the way did not do its work on all images.
    """
    features = np.load(output) if output.suffix == ".npy" else load(str(output)).features
    if len(features) != images:
        raise ChildError(f"{output.name} holds {len(features)} of {images} images")
    return np.asarray(features, np.float32)
