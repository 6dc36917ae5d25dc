"""Measures of pictures whose values are known."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from classifiers.auditing.outliers import far_out, nearest_classes
from classifiers.auditing.pictures import MEASURED, look_at
from pipelines.images.decode import DecodedImage, PixelSpec, decode_image


def look(image):
    kept = io.BytesIO()
    image.save(kept, "PNG")
    return look_at(decode_image(kept.getvalue(), PixelSpec(MEASURED, "bilinear", "ignored")))


def noise(low=0, high=256, size=(MEASURED, MEASURED), channels=3):
    pixels = np.random.default_rng(0).integers(low, high, (*size, channels), dtype=np.uint8)
    return Image.fromarray(pixels.squeeze())


@pytest.mark.parametrize(
    ("image", "faults"),
    [
        (noise(), ()),
        (noise(0, 60), ("dark",)),
        (noise(200, 256), ("bright",)),
        (noise(100, 110), ("flat",)),
        (noise().filter(ImageFilter.GaussianBlur(6)), ("flat",)),
        (noise(size=(12, 12)).resize((600, 600), Image.Resampling.BICUBIC), ("blurred",)),
        (noise(size=(40, 150)), ("long", "tiny")),
        (Image.new("RGB", (150, 150)), ("dark", "flat")),
    ],
)
def test_faults(image, faults):
    assert look(image).faults == faults


def test_grey_is_without_colour():
    assert look(noise(channels=1)).grey
    assert not look(noise()).grey


def test_measures_are_those_of_a_plain_loop():
    pixels = np.random.default_rng(1).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    found = look_at(DecodedImage(pixels, 9, 8))
    light = [[0.299 * r + 0.587 * g + 0.114 * b for r, g, b in row] for row in pixels.tolist()]
    bends = [
        light[y - 1][x] + light[y + 1][x] + light[y][x - 1] + light[y][x + 1] - 4 * light[y][x]
        for y in range(1, 4)
        for x in range(1, 3)
    ]
    assert found.luminance == pytest.approx(np.mean(light), rel=1e-5)
    assert found.contrast == pytest.approx(np.std(light), rel=1e-5)
    assert found.sharpness == pytest.approx(np.std(bends) / np.std(light), rel=1e-4)
    colour = [max(p) - min(p) for row in pixels.tolist() for p in row]
    assert found.colour == pytest.approx(np.mean(colour), rel=1e-5)
    assert (found.width, found.height) == (9, 8)


def test_far_out_is_beyond_tukeys_outer_fence():
    values = np.arange(100) / 100
    assert not far_out(values).any()
    assert np.flatnonzero(far_out(np.append(values, [2.2, 2.6]))).tolist() == [101]
    assert not far_out(np.ones(100)).any()
    assert not far_out(np.array([0.0, 0.0, 9.0])).any()


def test_the_nearest_class_is_that_of_the_nearest_mean_direction():
    units = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
    nearest, away = nearest_classes(units, np.array([0, 0, 1, -1]), 2)
    assert nearest.tolist()[:3] == [0, 0, 1]
    np.testing.assert_allclose(away, [0, 0, 0, 1], atol=1e-6)
