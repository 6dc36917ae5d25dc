"""What Pillow may take a file for: six formats, whatever the file is called."""

import io
import shutil
import subprocess

import pytest
from PIL import Image

from pipelines.errors import ImageError
from pipelines.images import opening
from pipelines.images.decode import PixelSpec, decode_image
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
        for name in ("PPM", "TGA", "PCX", "ICO", "SGI", "DDS", "QOI", "IM", "DIB")
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
    with pytest.raises(ImageError, match="not a JPEG, PNG, GIF, BMP, TIFF or WEBP image"):
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
