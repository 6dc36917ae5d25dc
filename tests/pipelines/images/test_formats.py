"""What Pillow may take a file for: seven formats, whatever the file is called."""

import io
import shutil
import subprocess

import pytest
from PIL import Image

from pipelines.errors import ImageError
from pipelines.images import opening
from pipelines.images.decode import PixelSpec, decode_image
from pipelines.images.kinds import FIRST_BYTES, IMAGE_SUFFIXES, begins_as_image
from pipelines.images.opening import FORMATS
from tests.hostile import encoded, picture

SPEC = PixelSpec(20, "bilinear", "ignored")
EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n"
    b"%%BeginPreview: 0 0 0 0\n%%EndPreview\nshowpage\n%%EOF\n"
)
FITS = b"".join(
    line.ljust(80)
    for line in (
        b"SIMPLE  =                    T",
        b"BITPIX  =                    8",
        b"NAXIS   =                    2",
        b"NAXIS1  =                   10",
        b"NAXIS2  =                   10",
        b"END",
    )
).ljust(2880) + bytes(2880)
OTHERS = {
    "postscript": EPS,
    "postscript with a mark": b"\xc5\xd0\xd3\xc6" + (30).to_bytes(4, "little") * 6 + EPS,
    "fits": FITS,
    **{
        name: encoded(picture(), name)
        for name in ("TGA", "PCX", "ICO", "SGI", "DDS", "QOI", "IM", "DIB")
    },
    "jpeg 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(50),
    "windows metafile": b"\xd7\xcd\xc6\x9a\0\0" + bytes(50),
}


@pytest.mark.parametrize("name", OTHERS)
def test_no_other_plug_in_is_asked(name, monkeypatch):
    Image.init()

    def refuse(*_args: object) -> None:
        pytest.fail("another plug-in was asked")

    for format in Image.OPEN.keys() - {*FORMATS, opening._PLAIN_JPEG}:
        monkeypatch.setitem(Image.OPEN, format, (refuse, refuse))
    monkeypatch.setattr(subprocess, "check_call", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(ImageError, match="not a JPEG, PNG, GIF, BMP, TIFF, WEBP or PPM image"):
        decode_image(OTHERS[name], SPEC)


def test_postscript_starts_no_program(tmp_path, monkeypatch):
    """A `gs` that leaves a trace stands in for Ghostscript, which Pillow would find and start."""
    trace = tmp_path / "trace"
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert shutil.which("gs") == str(program)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    with pytest.raises(ImageError):
        decode_image(EPS, SPEC)
    assert not trace.exists()


@pytest.mark.parametrize("format", [*FORMATS, "MPO"])
def test_the_formats_that_are_meant_are_taken(format):
    more = {"save_all": True, "append_images": [picture(seed=2)]} if format == "MPO" else {}
    data = encoded(picture(), format, **more)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == format
    assert decode_image(data, SPEC).width == 40


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_what_is_taken_is_known_by_its_first_bytes(format, mode):
    if (format, mode) != ("WEBP", "1"):
        assert begins_as_image(encoded(picture(mode), format)[:FIRST_BYTES])


def test_every_suffix_is_one_of_a_format_that_is_taken():
    """And every suffix that Pillow knows of these formats is taken, but for headless bitmaps."""
    Image.init()
    of_formats = {each for each, format in Image.EXTENSION.items() if format in {*FORMATS, "MPO"}}
    assert of_formats - {".pfm", ".jpf"} <= IMAGE_SUFFIXES
    assert IMAGE_SUFFIXES - of_formats <= {".jif", ".jfi", ".pjpeg", ".pjp"}


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_begins_as_an_image(name):
    assert not begins_as_image(OTHERS[name][:FIRST_BYTES])


@pytest.mark.parametrize(
    "text",
    [b"", b"BMI,name\n21.5,a,b,c,d,e,f,g", b"Part 1", b"P5x", b"P7\nWIDTH", b"RIFFWAVE", b"II"],
)
def test_texts_do_not_begin_as_an_image(text):
    assert not begins_as_image(text)


PNMS = {
    "plain grey": b"P2 2 1 9 # nine\n0 9",
    "plain colour": b"P3\n2 1\n255\n0 0 0 255 255 255",
    "plain bits": b"P1 2 1\n10",
    "grey of few values": b"P5 2 1 15\n\x00\x0f",
    "colour": b"P6 2 1 255\n" + bytes(3) + b"\xff" * 3,
}


@pytest.mark.parametrize("name", PNMS)
def test_portable_maps_are_decoded(name):
    pixels = decode_image(PNMS[name], PixelSpec(2, "nearest", "ignored")).pixels
    assert pixels[:, 0].tolist() == [[0, 0, 0]] * 2
    assert pixels[:, 1].tolist() == [[255, 255, 255]] * 2


def test_portable_maps_of_sixteen_bits_are_refused_as_others_are():
    with pytest.raises(ImageError, match="more than 8 bits a channel"):
        decode_image(b"P5 1 1 65535\n\xff\xff", SPEC)
    with pytest.raises(ImageError, match="more than 8 bits a channel"):
        decode_image(b"Pf 1 1 -1.0\n\0\0\0\0", SPEC)
