"""The images that all ways of a benchmark read: listed, repeated to a number, or drawn."""

from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.errors import InputError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
DRAWN_SIDE = 390
"""Pixels; the average of the photographs of dogs and cats."""


def list_images(folder: Path) -> list[Path]:
    """The images below a folder, ascending by path relative to it, as this project's ids are.

    Raises:
        InputError: there are none.
    """
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    if not found:
        raise InputError(f"no images below {folder}; name a folder of JPEG or PNG files")
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def repeat_images(source: Path, target: Path, number: int) -> Path:
    """Make a folder `train/class/name-k` of links to images, each as often as it takes.

    Links cost no disk and leave the images untouched, and every way follows them alike.

    Args:
        source: folder of images; the folder an image stands in is its class.
        target: folder to make.
        number: links wanted; fewer than there are images are spread evenly over their list.

    Returns:
        `target`.
    """
    images = [path.resolve() for path in list_images(source)]
    step = max(1, len(images) / number)
    for k in range(number):
        image = images[int(k * step) % len(images)]
        link = target / "train" / image.parent.name / f"{image.stem}-{k}{image.suffix}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(image)
    return target


def draw_images(folder: Path, number: int, side: int = DRAWN_SIDE) -> Path:
    """Draw JPEG files where there are no photographs: soft shapes with some grain.

    Args:
        folder: where; they stand in two classes.
        number: how many.
        side: height and width in pixels.
    """
    for i in range(number):
        random = np.random.default_rng(i)
        coarse = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        soft = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        grainy = np.asarray(soft, np.int16) + random.integers(-8, 9, (side, side, 3))
        path = folder / ("even", "odd")[i % 2] / f"{i:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return folder
