"""Augmented copies of an image: random affine transforms, the same ones wherever they are drawn.

The recipe is the literature's (Chollet, Deep Learning with Python, 2017, section 5.2.5): an image
is rotated, shifted, sheared and zoomed about its middle in one bilinear step, then perhaps flipped.
What is drawn hangs on the policy's seed, the image's id and the copy's number alone.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.errors import ContractMismatchError

FILLS = ("nearest", "constant", "reflect", "wrap")
"""What lies outside an image: modes of `scipy.ndimage.affine_transform`; "constant" is black."""

DRAWS = 7


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How copies are made; how many there are of an image is not part of it.

    Attributes:
        rotation: largest angle either way, in degrees.
        width_shift: largest shift either way, as a share of the width.
        height_shift: largest shift either way, as a share of the height.
        shear: largest angle either way, in radians, as the literature's Keras had it.
        zoom: height and width are each scaled by a factor between 1 - zoom and 1 + zoom; below 1.
        horizontal_flip: whether every other copy, on average, is mirrored.
        fill: one of `FILLS`.
        seed: of all draws.
        split: the one split whose images have copies.
    """

    rotation: float = 40.0
    width_shift: float = 0.2
    height_shift: float = 0.2
    shear: float = 0.2
    zoom: float = 0.2
    horizontal_flip: bool = True
    fill: str = "nearest"
    seed: int = 0
    split: str = "train"

    def canonical_json(self) -> str:
        """The policy as JSON, the same text wherever it is made."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Transform:
    """One draw.

    Attributes:
        matrix: float64 (3, 3), from (x, y, 1) of a place in the copy, counted in pixels to the
            right of and below its middle, to that of the image from which it takes its colour.
        flip: whether the copy is mirrored after that.
    """

    matrix: npt.NDArray[np.float64]
    flip: bool


def augmentation_from_json(text: str) -> Augmentation:
    """Read back what `Augmentation.canonical_json` wrote.

    Raises:
        ValueError: the text is no policy, or one of a newer version with other fields.
    """
    try:
        values: dict[str, Any] = json.loads(text)
        return Augmentation(**values)
    except TypeError as error:
        raise ValueError(f"no augmentation of this version: {error}") from error


def require_same_augmentation(held: Augmentation, wanted: Augmentation) -> None:
    """Refuse to add copies of another kind than a table holds.

    Raises:
        ContractMismatchError: they differ; the message names each differing field.
    """
    pairs = [(f.name, getattr(held, f.name), getattr(wanted, f.name)) for f in fields(Augmentation)]
    listed = "; ".join(
        f"{name}: {a} in the table, {b} in these options" for name, a, b in pairs if a != b
    )
    if listed:
        raise ContractMismatchError(
            f"the table's copies were augmented differently ({listed}); leave these options out "
            "to go on as the table has it, or use another table"
        )


def draw_transform(policy: Augmentation, image_id: str, copy: int, size: int) -> Transform:
    """Draw the transform of one copy.

    Args:
        policy: what to draw from.
        image_id: the image.
        copy: number of the copy, 1 or more.
        size: height and width of the image in pixels.
    """
    rotation, right, down, shear, wide, tall, flip = _draws(policy.seed, image_id, copy)
    angle = math.radians(policy.rotation) * _either_way(rotation)
    lean = policy.shear * _either_way(shear)
    turned = [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]]
    shifted = [
        [1, 0, policy.width_shift * _either_way(right) * size],
        [0, 1, policy.height_shift * _either_way(down) * size],
    ]
    sheared = [[1, -math.sin(lean), 0], [0, math.cos(lean), 0]]
    zoomed = [
        [1 + policy.zoom * _either_way(wide), 0, 0],
        [0, 1 + policy.zoom * _either_way(tall), 0],
    ]
    matrix = np.eye(3)
    for step in (turned, shifted, sheared, zoomed):
        matrix = matrix @ np.array([*step, [0, 0, 1]], np.float64)
    return Transform(matrix, policy.horizontal_flip and flip < 0.5)


def augment(
    pixels: npt.NDArray[np.uint8], policy: Augmentation, image_id: str, copy: int
) -> npt.NDArray[np.uint8]:
    """Make one copy of an image.

    Args:
        pixels: uint8 (size, size, 3), decoded and resized.
        policy: how.
        image_id: the image.
        copy: number of the copy, 1 or more.

    Returns:
        uint8 (size, size, 3).
    """
    transform = draw_transform(policy, image_id, copy, len(pixels))
    moved = transform_pixels(pixels, transform.matrix, policy.fill)
    return np.ascontiguousarray(moved[:, ::-1]) if transform.flip else moved


def transform_pixels(
    pixels: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64], fill: str
) -> npt.NDArray[np.uint8]:
    """Apply a matrix about an image's middle, bilinear, rounded to whole values.

    Args:
        pixels: uint8 (height, width, 3).
        matrix: float64 (3, 3), see `Transform.matrix`.
        fill: one of `FILLS`.
    """
    from scipy import ndimage

    linear, shift = matrix[1::-1, 1::-1], matrix[1::-1, 2]  # arrays count rows before columns
    middle = (np.array(pixels.shape[:2], np.float64) - 1) / 2
    offset = middle + shift - linear @ middle
    moved = np.empty_like(pixels)
    for channel in range(pixels.shape[2]):
        moved[..., channel] = ndimage.affine_transform(
            pixels[..., channel], linear, offset, order=1, mode=fill
        )
    return moved


def _draws(seed: int, image_id: str, copy: int) -> list[float]:
    """Numbers in [0, 1), uniform; from a hash, which no library's next version will change."""
    key = f"{seed}\0{copy}\0{image_id}".encode("utf-8", "surrogateescape")
    digest = hashlib.shake_256(key).digest(8 * DRAWS)
    return [int.from_bytes(digest[at : at + 8], "big") / 2**64 for at in range(0, 8 * DRAWS, 8)]


def _either_way(share: float) -> float:
    return 2.0 * share - 1.0
