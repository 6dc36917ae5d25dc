"""Labels that are probably wrong: confident learning.

A class's bar is the mean probability that images of its label have for it. An image that clears
the bars of other classes, and is likelier of one of these than of its label's, is a suspect
(Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """An image whose label is probably wrong.

    Attributes:
        image_id: the image.
        split: its split.
        label: what it is called.
        suggested: what it probably is.
        probability: of what is suggested.
        own: of its label.
        confident: whether it clears the bar; others are merely likelier of another class.
    """

    image_id: str
    split: str
    label: str
    suggested: str
    probability: float
    own: float
    confident: bool


def confident_other(
    probabilities: Floats, targets: Places, counted: npt.NDArray[np.bool_]
) -> Places:
    """The class that each image is confidently of, int64 (n,); its own where there is none other.

    Args:
        probabilities: float64 (n, classes), of heads that did not see the image.
        targets: int64 (n,), class numbers.
        counted: bool (n,), the images that bars are made of, some of every class.
    """
    classes = probabilities.shape[1]
    bars = [
        probabilities[counted & (targets == number), number].mean() for number in range(classes)
    ]
    above = np.where(probabilities >= bars, probabilities, -1.0)
    likeliest = above.argmax(axis=1)
    nowhere = above.max(axis=1) < 0.0
    found: Places = np.where(nowhere, targets, likeliest)
    return found


def in_order_of_doubt(probabilities: Floats, targets: Places, others: Places) -> Places:
    """Places of the suspects, the most doubtful first: by how unlikely their label is."""
    suspects = np.flatnonzero(others != targets)
    own = probabilities[suspects, targets[suspects]]
    order: Places = suspects[np.lexsort((suspects, own))]
    return order
