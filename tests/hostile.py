"""Files and manifests that data engineers really meet, and what must become of each."""

import io
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Hostile:
    """One file of the corpus.

    Attributes:
        name: file name in the folder `train/cat`.
        data: its content; None for what is no plain file.
        usable: whether it must become a row; otherwise it must become a recorded failure.
    """

    name: str
    data: bytes | None
    usable: bool


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 40), seed: int = 1) -> Image.Image:
    random = np.random.default_rng(seed)
    rgb = Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    return rgb.convert(mode)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes whose header promises a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def corpus() -> list[Hostile]:
    """More than sixty files; names are unique."""
    jpeg, png = encoded(picture(), "JPEG"), encoded(picture(), "PNG")
    grey16 = Image.fromarray(np.full((9, 9), 40_000, np.uint16))
    orient = Image.Exif()
    orient[0x0112] = 6
    frames = [picture("P", seed=seed) for seed in range(3)]
    broken = {
        "empty.jpg": b"",
        "one byte.jpg": b"\xff",
        "text.jpg": b"this is no picture",
        "html.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "json.png": b'{"error": "not found"}',
        "xml.gif": b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
        "svg.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "pdf.jpg": b"%PDF-1.7\n%%EOF",
        "zip.png": b"PK\x03\x04" + b"\0" * 60,
        "gzip.jpg": b"\x1f\x8b\x08" + b"\0" * 60,
        "parquet.jpg": b"PAR1" + b"\0" * 60 + b"PAR1",
        "elf.jpg": b"\x7fELF" + b"\0" * 60,
        "mp4.jpg": b"\0\0\0\x18ftypmp42" + b"\0" * 60,
        "zeros.jpg": b"\0" * 4096,
        "ones.png": b"\xff" * 4096,
        "noise.jpg": np.random.default_rng(5).bytes(4096),
        "noise.gif": b"GIF89a" + np.random.default_rng(6).bytes(4096),
        "lfs pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "jpeg header only.jpg": jpeg[:20],
        "jpeg cut in half.jpg": jpeg[: len(jpeg) // 2],
        "jpeg cut at the end.jpg": jpeg[:-40],
        "png header only.png": png[:33],
        "png cut in half.png": png[: len(png) // 2],
        "png bad checksum.png": png[:60] + bytes([png[60] ^ 255]) + png[61:],
        "gif cut.gif": encoded(frames[0], "GIF")[:120],
        "bmp cut.bmp": encoded(picture(), "BMP")[:200],
        "webp cut.webp": encoded(picture(), "WEBP")[:80],
        "tiff cut.tiff": encoded(picture(), "TIFF")[:200],
        "claims 30000.png": png_that_claims(30_000, 30_000),
        "claims too much.png": png_that_claims(200_000, 200_000),
        "claims a line.png": png_that_claims(2_000_000, 100),
        "claims a column.png": png_that_claims(1, 2_000_000),
        "claims nothing.png": png_that_claims(0, 0),
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n%%EOF\n",
        "sixteen bits.png": encoded(grey16, "PNG"),
        "sixteen bits.tiff": encoded(grey16, "TIFF"),
        "floats.tiff": encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"),
        "thirty-two bits.tiff": encoded(Image.fromarray(np.ones((4, 4), np.int32)), "TIFF"),
    }
    fine = {
        "plain.jpg": jpeg,
        "a png named.jpg": png,
        "a jpeg named.png": jpeg,
        "UPPER.JPEG": jpeg + b"\0",
        "rubbish after the end.jpg": jpeg + b"\0" * 500,
        "cmyk.jpg": encoded(picture("CMYK"), "JPEG"),
        "grey.jpg": encoded(picture("L"), "JPEG"),
        "grey and alpha.png": encoded(picture("LA"), "PNG"),
        "colour and alpha.png": encoded(picture("RGBA"), "PNG"),
        "black and white.png": encoded(picture("1"), "PNG"),
        "palette.png": encoded(picture("P"), "PNG"),
        "palette and alpha.png": encoded(
            picture("RGBA").quantize(9), "PNG", transparency=b"\x80" * 9
        ),
        "lab.tiff": encoded(picture("LAB"), "TIFF"),
        "progressive.jpg": encoded(picture(), "JPEG", progressive=True),
        "interlaced.png": encoded(picture(seed=8), "PNG", interlace=1),
        "animated.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animated.webp": encoded(picture(), "WEBP", save_all=True, append_images=frames[1:]),
        "many pages.tiff": encoded(picture(), "TIFF", save_all=True, append_images=[picture()]),
        "turned.jpg": encoded(picture(), "JPEG", exif=orient),
        "bad exif.jpg": encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
        "one pixel.png": encoded(picture(size=(1, 1)), "PNG"),
        "a line.png": encoded(picture(size=(900, 1)), "PNG"),
        'it\'s "quoted".png': encoded(picture(seed=11), "PNG"),
        "two\nlines.png": encoded(picture(seed=12), "PNG"),
        "tab\tand space .png": encoded(picture(seed=13), "PNG"),
        "100% = #1 & more?.png": encoded(picture(seed=14), "PNG"),
        "%2e%2e%2fetc.png": encoded(picture(seed=15), "PNG"),
        "{run}-{0}-%s.png": encoded(picture(seed=16), "PNG"),
        "$(touch owned);`id`.png": encoded(picture(seed=17), "PNG"),
        "Ünïcode 猫 🐈.png": encoded(picture(seed=18), "PNG"),
        os.fsdecode(b"not utf-8 \xe9\xff.png"): encoded(picture(seed=19), "PNG"),
        "-rf.png": encoded(picture(seed=20), "PNG"),
        "long " + "x" * 240 + ".png": encoded(picture(seed=21), "PNG"),
        "back\\slash.png": encoded(picture(seed=22), "PNG"),
    }
    files = [Hostile(name, data, False) for name, data in broken.items()]
    files += [Hostile(name, data, True) for name, data in fine.items()]
    odd = ("a folder.jpg", "dangling link.jpg", "link to itself.jpg", "a pipe.jpg")
    return files + [Hostile(name, None, False) for name in odd]


def write_corpus(folder: Path) -> list[Hostile]:
    """Write the corpus into `train/cat`, with good neighbours, and a folder that links back up."""
    where = folder / "train/cat"
    where.mkdir(parents=True)
    files = corpus()
    for file in files:
        if file.data is not None:
            (where / file.name).write_bytes(file.data)
    (where / "a folder.jpg").mkdir()
    (where / "a folder.jpg/inside.jpg").write_bytes(b"x")
    (where / "dangling link.jpg").symlink_to(folder / "nowhere.jpg")
    (where / "link to itself.jpg").symlink_to(where / "link to itself.jpg")
    os.mkfifo(where / "a pipe.jpg")
    (folder / "train/dog").mkdir()
    for seed in range(5):
        (folder / f"train/dog/{seed}.png").write_bytes(encoded(picture(seed=seed), "PNG"))
    (folder / "train/dog/up").symlink_to(folder)
    return files


REFUSED = {
    "empty": b"",
    "only a mark": b"\xef\xbb\xbf",
    "no path": b"file,label\na.png,cat\n",
    "two path columns": b"path,path\na.png,b.png\n",
    "repeated id": b"path,id\na.png,1\nb.png,1\n",
    "repeated path": b"path,id\na.png,1\na.png,2\n",
    "the same file by two names": b"path,id\na.png,1\n./a.png,2\n",
    "one file under two labels": b"path,id,label\na.png,1,cat\na.png,2,dog\n",
    "empty path": b"path,label\n,cat\n",
    "path of spaces outside": b"path\n../ /etc/passwd\n",
    "parent": b"path\n../secret.png\n",
    "absolute": b"path\n/etc/hostname\n",
    "link out": b"path\nout.png\n",
    "null byte": b"path\na\0.png\n",
    "ragged rows": b"path,label\na.png\n",
    "not utf-8": b"path,label\na.png,caf\xe9\n",
    "a binary file": bytes(range(256)) * 4,
    "an open quote": b'path,label\n"a.png,cat\n',
}

TAKEN = {
    "byte-order mark": b"\xef\xbb\xbfpath,label\na.png,cat\n",
    "utf-16": "path,label\na.png,cat\n".encode("utf-16"),
    "crlf": b"path,label\r\na.png,cat\r\n",
    "no newline at the end": b"path,label\na.png,cat",
    "quotes and newlines": b'path,label\na.png,"cat, ""big""\nred"\n',
    "other columns": b"n,path,label,score\n1,a.png,cat,0.5\n",
    "path in capitals": b"PATH,label\na.png,cat\n",
    "label missing": b"path,label\na.png,\n",
    "label that looks like a number": b"path,label\na.png,007\n",
    "label that looks null": b"path,label\na.png,NULL\n",
    "template label": b"path,label\na.png,{0.__class__}%s$(id)\n",
    "missing file": b"path,label\nnot there.png,cat\n",
    "very long path": b"path,label\n" + b"x" * 5000 + b".png,cat\n",
    "a folder": b"path,label\nfolder.png,cat\n",
}
