"""A file that is no image is told for what it is."""

import pytest

from pipelines.errors import ImageError
from pipelines.images.decode import PixelSpec, decode_image
from pipelines.images.lookalikes import what_it_is

SPEC = PixelSpec(32, "bilinear", "ignored")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "it is HEIC; convert it"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "it is AVIF; convert it"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
        (b"\xef\xbb\xbf<HTML>404", "an HTML page"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"%PDF-1.7", "a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"PK\x03\x04" + b"\0" * 30, "a ZIP archive"),
    ],
)
def test_what_it_is_stands_in_the_failure(data, said):
    with pytest.raises(ImageError) as failure:
        decode_image(data, SPEC)
    assert str(failure.value).startswith("not a JPEG, PNG, GIF, BMP, TIFF, WEBP or PPM image: ")
    assert said in str(failure.value)


def test_of_anything_else_nothing_is_guessed():
    assert what_it_is(b"nonsense") is None
    with pytest.raises(ImageError, match=r"PPM image$"):
        decode_image(b"nonsense", SPEC)
