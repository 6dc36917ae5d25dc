"""The likeliest of ImageNet's classes, decoded for the rows of a table of probabilities."""

from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.bases import imagenet_classes


def likeliest_classes(probabilities: npt.NDArray[np.float32]) -> dict[str, Any]:
    """The columns that tell of each row's likeliest class; of two alike, the first.

    Args:
        probabilities: float32 (rows, 1000), as the table holds them.

    Returns:
        By name of column: WordNet ids, names, and probabilities float32, a value a row.
    """
    classes = imagenet_classes()
    places = probabilities.argmax(axis=1)
    return {
        "imagenet_class": [classes[place].wordnet_id for place in places],
        "imagenet_label": [classes[place].name for place in places],
        "imagenet_probability": probabilities[np.arange(len(places)), places],
    }
