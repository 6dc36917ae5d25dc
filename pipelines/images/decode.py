"""From an image's bytes to the pixels of `keras.utils.load_img`, without importing Keras."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from pipelines.contract import Augmentation, Contract
from pipelines.errors import ImageError

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "hamming": Image.Resampling.HAMMING,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
ORIENTATIONS = ("ignored", "applied")
MAX_PIXELS = 89_478_485
"""Most pixels an image may claim before it is decoded; Pillow's own limit (256 MiB of RGB)."""

# Above MAX_PIXELS an image is refused here, and odd files are decoded as Keras does or refused;
# Pillow's warnings about both would only be noise among a run's messages.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

_SATURATING_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True, slots=True)
class PixelSpec:
    """What decides an image's pixels: a part of the contract, and for copies the policy.

    Attributes:
        size: height and width in pixels after resizing.
        interpolation: a key of `INTERPOLATIONS`.
        orientation: one of `ORIENTATIONS`.
        augmentation: how copies are made; None where there are none.
    """

    size: int
    interpolation: str
    orientation: str
    augmentation: Augmentation | None = None


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


def pixel_spec(contract: Contract, augmentation: Augmentation | None = None) -> PixelSpec:
    """What a contract says of pixels, and a policy of those of copies."""
    return PixelSpec(
        contract.image_size, contract.interpolation, contract.orientation, augmentation
    )


def decode_image(data: bytes, spec: PixelSpec) -> DecodedImage:
    """Decode, convert to RGB and resize, bit for bit as `keras.utils.load_img` does.

    Args:
        data: the encoded image, any format that Pillow reads.
        spec: the pixels wanted.

    Raises:
        ImageError: the bytes are no image, are cut short, hold more than `MAX_PIXELS`, or have more
            than 8 bits a channel, which conversion to RGB would saturate.
    """
    if not data:
        raise ImageError("the file is empty")
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(f"{width} x {height} is more than {MAX_PIXELS:,} pixels")
            if image.mode in _SATURATING_MODES:
                raise ImageError(
                    f"mode {image.mode} has more than 8 bits a channel and would saturate; "
                    "convert it to 8 bits first"
                )
            pixels = _resized(image, spec)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise ImageError("not an image that Pillow can read") from error
    except MemoryError:  # the machine's trouble, not the image's
        raise
    except Exception as error:  # Pillow's plugins raise whatever a damaged file makes them raise
        raise ImageError(f"cannot be decoded: {error}") from error
    return DecodedImage(pixels, width, height)


def _resized(image: Image.Image, spec: PixelSpec) -> npt.NDArray[np.uint8]:
    upright = ImageOps.exif_transpose(image) if spec.orientation == "applied" else image
    rgb = upright if upright.mode == "RGB" else upright.convert("RGB")
    if rgb.size != (spec.size, spec.size):
        rgb = rgb.resize((spec.size, spec.size), INTERPOLATIONS[spec.interpolation])
    return np.asarray(rgb, dtype=np.uint8)
