"""Squares of images, bit for bit those of plain Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import ImageError, UsageError
from pipelines.images.decode import INTERPOLATIONS, PixelSpec, decode_image
from pipelines.images.resizing import resizing_named

SHAPES = [(61, 40), (40, 61), (33, 33), (97, 20)]


def encoded(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def picture(size, mode="RGB"):
    pixels = np.random.default_rng(size[0]).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def decoded(image, resize, interpolation="bicubic", size=24):
    spec = PixelSpec(size, interpolation, "ignored", resize=resize)
    return decode_image(encoded(image), spec).pixels


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_crop_is_pillow_s(shape, interpolation, mode):
    image = picture(shape, mode)
    width, height = shape
    if width <= height:
        plain = image.convert("RGB").resize(
            (32, int(32 * height / width)), INTERPOLATIONS[interpolation]
        )
    else:
        plain = image.convert("RGB").resize(
            (int(32 * width / height), 32), INTERPOLATIONS[interpolation]
        )
    x, y = round((plain.width - 24) / 2), round((plain.height - 24) / 2)
    wanted = np.asarray(plain)[y : y + 24, x : x + 24]
    np.testing.assert_array_equal(decoded(image, "crop:32", interpolation), wanted)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_letterbox_is_pillow_s(shape):
    image = picture(shape)
    ratio = 24 / max(shape)
    sides = (round(shape[0] * ratio), round(shape[1] * ratio))
    wanted = np.full((24, 24, 3), 114, np.uint8)
    x, y = (24 - sides[0]) // 2, (24 - sides[1]) // 2
    small = np.asarray(image.resize(sides, Image.Resampling.BICUBIC))
    wanted[y : y + sides[1], x : x + sides[0]] = small
    np.testing.assert_array_equal(decoded(image, "letterbox:114"), wanted)


def test_squashing_stays_what_it_was():
    image = picture((61, 40))
    wanted = np.asarray(image.resize((24, 24), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(decoded(image, "squash"), wanted)


def test_a_ribbon_of_an_image_is_not_made_gigabytes_of():
    with pytest.raises(ImageError, match="more than"):
        decoded(Image.new("L", (60_000, 1)), "crop:2000", size=2000)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("squash", "squash"),
        ("crop", "crop:24"),
        ("crop:32", "crop:32"),
        ("letterbox", "letterbox:0"),
        ("letterbox:114", "letterbox:114"),
    ],
)
def test_names(text, name):
    assert resizing_named(text, 24).name == name


@pytest.mark.parametrize(
    "text", ["", "stretch", "crop:", "crop:x", "crop:23", "letterbox:256", "squash:1"]
)
def test_what_is_no_resizing_is_refused(text):
    with pytest.raises(UsageError, match="--resize"):
        resizing_named(text, 24)
