"""From an image's bytes to the pixels of `keras.utils.load_img`, without importing Keras."""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from pipelines.contract import SQUASH, Augmentation, Contract
from pipelines.errors import ImageError
from pipelines.images.gate import DECODING
from pipelines.images.header import MAX_PIXELS, bytes_to_decode, bytes_to_resize
from pipelines.images.lookalikes import what_it_is
from pipelines.images.opening import FORMATS, check_exif, open_image
from pipelines.images.resizing import resizing_named
from pipelines.stores.reading import MAX_IMAGE_BYTES

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "hamming": Image.Resampling.HAMMING,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
ORIENTATIONS = ("ignored", "applied")

BAND_PIXELS = 1 << 20
"""Pixels that are converted to RGB at once."""
# Above MAX_PIXELS an image is refused here, and odd files are decoded as Keras does or refused;
# Pillow's warnings about both would only be noise among a run's messages.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

_SATURATING_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True, slots=True)
class PixelSpec:
    """What decides an image's pixels, or that it has none: a part of the contract, and more.

    Attributes:
        size: height and width in pixels after resizing.
        interpolation: a key of `INTERPOLATIONS`.
        orientation: one of `ORIENTATIONS`.
        augmentation: how copies are made; None where there are none.
        max_bytes: most that an image's file may have.
        resize: as in `Contract`.
    """

    size: int
    interpolation: str
    orientation: str
    augmentation: Augmentation | None = None
    max_bytes: int = MAX_IMAGE_BYTES
    resize: str = SQUASH


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An image ready for the base.

    Attributes:
        pixels: uint8 (size, size, 3), RGB, 0–255.
        width: in pixels, before resizing.
        height: in pixels, before resizing.
    """

    pixels: npt.NDArray[np.uint8]
    width: int
    height: int


def pixel_spec(
    contract: Contract,
    augmentation: Augmentation | None = None,
    max_bytes: int = MAX_IMAGE_BYTES,
) -> PixelSpec:
    """What a contract says of pixels, and a policy of those of copies."""
    said = (contract.image_size, contract.interpolation, contract.orientation)
    return PixelSpec(*said, augmentation, max_bytes, contract.resize)


def decode_image(data: bytes, spec: PixelSpec) -> DecodedImage:
    """Decode, convert to RGB and resize; where that is squashing, as `keras.utils.load_img` does.

    What the images take that a process decodes at one time is bounded by the gate `DECODING`.

    Args:
        data: the encoded image, one of `FORMATS`.
        spec: the pixels wanted.

    Raises:
        ImageError: the bytes are no image, are cut short, would take too much memory or time (see
            `pipelines.images.header`), or have more than 8 bits a channel, which conversion to RGB
            would saturate.
    """
    if not data:
        raise ImageError("the file is empty")
    try:
        with open_image(data) as image:
            width, height = image.size
            turned = spec.orientation == "applied"
            taken = bytes_to_decode(image, data) * (2 if turned else 1)
            wide, high = resizing_named(spec.resize, spec.size).scaled(width, height)
            if turned:
                wide, height_read = max(wide, high), max(width, height)
            else:
                height_read = height
            taken += bytes_to_resize(max(height_read, high), wide)
            if image.mode in _SATURATING_MODES:
                raise ImageError(
                    f"mode {image.mode} has more than 8 bits a channel and would saturate; "
                    "convert it to 8 bits first"
                )
            with DECODING.taking(taken):
                pixels = _resized(image, spec)
                image.close()  # what it takes is given back before others are let in
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        plain = f"not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image"
        raise ImageError(": ".join(filter(None, [plain, what_it_is(data)]))) from error
    except MemoryError:  # the machine's trouble, not the image's
        raise
    except Exception as error:  # Pillow's plugins raise whatever a damaged file makes them raise
        raise ImageError(f"cannot be decoded: {error}") from error
    return DecodedImage(pixels, width, height)


def _resized(image: ImageFile, spec: PixelSpec) -> npt.NDArray[np.uint8]:
    if spec.orientation == "applied":
        image.load()
        check_exif(image)
        ImageOps.exif_transpose(image, in_place=True)
    resizing = resizing_named(spec.resize, spec.size)
    size, interpolation = resizing.scaled(*image.size), INTERPOLATIONS[spec.interpolation]
    if image.mode == "RGB":
        rgb = image if image.size == size else image.resize(size, interpolation)
    elif interpolation == Image.Resampling.NEAREST:
        rgb = image.resize(size, interpolation).convert("RGB")
    else:
        rgb = _narrowed(image, size[0], interpolation).resize(size, interpolation)
    return np.asarray(resizing.squared(rgb), dtype=np.uint8)


def _narrowed(image: Image.Image, width: int, interpolation: Image.Resampling) -> Image.Image:
    """Convert to RGB and resize the rows, some at a time; all in RGB would be a second image.

    Pillow resizes rows first and columns then, so that the pixels are the same.
    """
    narrowed = Image.new("RGB", (width, image.height))
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        below = min(image.height, top + rows)
        band = image.crop((0, top, image.width, below)).convert("RGB")
        narrowed.paste(band.resize((width, below - top), interpolation), (0, top))
    return narrowed
