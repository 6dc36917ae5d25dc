import io
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.errors import ImageError
from pipelines.images import decode, header
from pipelines.images.decode import INTERPOLATIONS, PixelSpec, decode_image

SPEC = PixelSpec(20, "bilinear", "ignored")


def encoded(picture: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def picture(mode: str, width: int, height: int, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    rgb = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
    if mode == "PA":
        return rgb.convert("RGBA").quantize(16)
    return rgb.convert(mode)


def by_keras(data: bytes, size: int, interpolation: str) -> np.ndarray:
    import keras

    loaded = keras.utils.load_img(
        io.BytesIO(data), target_size=(size, size), interpolation=interpolation
    )
    return np.asarray(loaded)


@settings(deadline=None, max_examples=80)
@given(
    mode=st.sampled_from(["RGB", "L", "1", "P", "PA", "RGBA", "LA", "CMYK"]),
    format=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]),
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    size=st.integers(1, 48),
    interpolation=st.sampled_from(list(INTERPOLATIONS)),
    seed=st.integers(0, 2**32 - 1),
)
def test_pixels_are_those_of_keras_bit_for_bit(
    mode, format, width, height, size, interpolation, seed
):
    try:
        data = encoded(picture(mode, width, height, seed), format)
    except (OSError, ValueError):
        return  # a mode that this format cannot hold
    with patch.object(decode, "BAND_PIXELS", 200):  # so that several make up the picture
        decoded = decode_image(data, PixelSpec(size, interpolation, "ignored"))
    np.testing.assert_array_equal(decoded.pixels, by_keras(data, size, interpolation))
    assert decoded.pixels.dtype == np.uint8
    assert (decoded.width, decoded.height) == (width, height)


def test_an_animation_gives_its_first_frame():
    frames = [picture("P", 20, 20, seed) for seed in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode_image(data, SPEC).pixels, by_keras(data, 20, "bilinear"))


def test_orientation_is_ignored_or_applied():
    upright = picture("RGB", 20, 20, seed=5)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown rotated by a quarter turn clockwise
    data = encoded(upright, "PNG", exif=exif)
    ignored = decode_image(data, PixelSpec(20, "nearest", "ignored")).pixels
    applied = decode_image(data, PixelSpec(20, "nearest", "applied")).pixels
    np.testing.assert_array_equal(ignored, np.asarray(upright))
    np.testing.assert_array_equal(applied, np.rot90(np.asarray(upright), k=-1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"<html><body>404</body></html>", "not a JPEG"),
        (encoded(picture("RGB", 90, 90, 1), "JPEG")[:-600], "cannot be decoded"),
        (encoded(picture("RGB", 90, 90, 1), "PNG")[:200], "cannot be decoded"),
        (encoded(Image.fromarray(np.full((4, 4), 40_000, np.uint16))), "more than 8 bits"),
        (encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "more than 8 bits"),
    ],
)
def test_what_cannot_be_used_says_why(data, message):
    with pytest.raises(ImageError, match=message):
        decode_image(data, SPEC)


def test_a_claim_of_too_many_pixels_is_refused_before_decoding(monkeypatch):
    data = encoded(picture("RGB", 30, 40, 1))
    monkeypatch.setattr(header, "MAX_PIXELS", 30 * 40 - 1)
    with pytest.raises(ImageError, match="30 x 40 is more than"):
        decode_image(data, SPEC)
    monkeypatch.setattr(header, "MAX_PIXELS", 30 * 40)
    assert decode_image(data, SPEC).width == 30
