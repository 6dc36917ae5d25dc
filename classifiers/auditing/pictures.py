"""What is poor about a picture, from its pixels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.images.decode import DecodedImage

MEASURED = 150
"""Pixels of the square that pictures are measured on, so that the bounds below mean the same."""

DARK, BRIGHT = 40.0, 215.0
"""Mean luminance, of 0 to 255."""

FLAT = 10.0
"""Standard deviation of the luminance."""

BLURRED = 0.08
"""Standard deviation of the luminance's Laplacian, as a share of its own.

Of 3,999 photographs the least is 0.106; a Gaussian of two pixels brings a 180-pixel one to 0.07.
"""

GREY = 2.0
"""Mean difference between the largest and the smallest channel."""

LONG = 3.0
"""The longer side by the shorter."""

TINY = 48
"""Pixels of the shorter side."""

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture looks.

    Attributes:
        width: in pixels, as in the file.
        height: in pixels, as in the file.
        luminance: mean, 0 to 255.
        contrast: standard deviation of the luminance.
        sharpness: of the Laplacian's standard deviation, the share that it is of the contrast.
        colour: mean difference between the largest and the smallest channel, 0 to 255.
    """

    width: int
    height: int
    luminance: float
    contrast: float
    sharpness: float
    colour: float

    @property
    def grey(self) -> bool:
        """Whether there is no colour in it."""
        return self.colour < GREY

    @property
    def faults(self) -> tuple[str, ...]:
        """What is poor about it, for itself: a grey one is odd only where most are not."""
        long, short = max(self.width, self.height), min(self.width, self.height)
        flat = self.contrast < FLAT
        said = {
            "dark": self.luminance < DARK,
            "bright": self.luminance > BRIGHT,
            "flat": flat,
            "blurred": not flat and self.sharpness < BLURRED,
            "long": long > LONG * short,
            "tiny": short < TINY,
        }
        return tuple(name for name, is_so in said.items() if is_so)


def look_at(image: DecodedImage) -> Look:
    """Measure a picture.

    Args:
        image: decoded to `MEASURED` pixels.
    """
    pixels: npt.NDArray[np.float32] = image.pixels.astype(np.float32)
    light = pixels @ _LUMINANCE
    inner = light[1:-1, 1:-1]
    bend = light[:-2, 1:-1] + light[2:, 1:-1] + light[1:-1, :-2] + light[1:-1, 2:] - 4.0 * inner
    contrast = float(light.std())
    return Look(
        width=image.width,
        height=image.height,
        luminance=float(light.mean()),
        contrast=contrast,
        sharpness=float(bend.std()) / max(contrast, 1e-6),
        colour=float((pixels.max(axis=2) - pixels.min(axis=2)).mean()),
    )
