"""What a file is that is no image, where its first bytes tell: it says what to do about it."""

_KINDS = (
    (b"version https://git-lfs", "it is a Git LFS pointer; `git lfs pull` fetches the file"),
    (b"<!doctype html", "it is an HTML page, as a failed download leaves"),
    (b"<html", "it is an HTML page, as a failed download leaves"),
    (b"<?xml", "it is XML, SVG perhaps; draw it as PNG first"),
    (b"<svg", "it is SVG; draw it as PNG first"),
    (b"%pdf-", "it is a PDF; draw its pages as PNG first"),
    (b"%!ps", "it is PostScript; draw it as PNG first"),
    (b"pk\x03\x04", "it is a ZIP archive"),
    (b"\x1f\x8b", "it is compressed by gzip"),
    (b"\x00\x00\x00\x0cjp", "it is JPEG 2000; convert it to PNG or JPEG first"),
    (b"\xff\x0a", "it is JPEG XL; convert it to PNG or JPEG first"),
)

_BOXES = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
"""Brands of files that begin with a box `ftyp` (ISO/IEC 14496-12)."""


def what_it_is(data: bytes) -> str | None:
    """What a file is and what to do, in a few words; None where its first bytes do not tell.

    Args:
        data: the file, or its beginning.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _BOXES:
        return f"it is {_BOXES[data[8:12]]}; convert it to PNG or JPEG first"
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((said for begins, said in _KINDS if start.startswith(begins)), None)
