"""Augmented copies of an image: random affine transforms, the same ones wherever they are drawn.

The recipe is the book's (Chollet, Deep Learning with Python, 2017, section 5.2.5): an image
is rotated, shifted, sheared and zoomed about its middle in one bilinear step, then perhaps flipped.
What is drawn depends on the policy's seed, the image's id and the copy's number alone.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.contract import Augmentation

DRAWS = 7


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
