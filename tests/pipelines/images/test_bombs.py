"""Small files that would take much memory or time, refused or let in one after the other."""

import io
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib

import pytest
from PIL import Image, PngImagePlugin

from pipelines.errors import ImageError
from pipelines.images import decode, header, opening
from pipelines.images.decode import PixelSpec, decode_image
from pipelines.images.gate import Gate
from pipelines.images.tags import check_tags
from tests.conftest import ROOT
from tests.hostile import encoded, picture, png_that_claims

SPEC = PixelSpec(20, "bilinear", "ignored")
WAIT = 10.0


def with_scans(count: int, before: bytes = b"") -> bytes:
    """A grey JPEG of 64 x 64 pixels whose last scan is repeated.

    Args:
        count: of scans.
        before: what stands before each of those that were added.
    """
    data = encoded(picture("L", (64, 64)), "JPEG", progressive=True)
    last = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + (before + last) * (count - data.count(b"\xff\xda")) + data[-2:]


def tiff_of_tiles(width: int, height: int) -> bytes:
    """A grey picture of 10 x 10 pixels in one tile of another size, which is compressed well."""
    packed = zlib.compress(bytes(width) * height if width * height < 10**7 else bytes(100))
    fields = {256: 10, 257: 10, 258: 8, 259: 8, 262: 1, 277: 1, 322: width, 323: height}
    tags = [*fields.items(), (324, 8 + 2 + 12 * 10 + 4), (325, len(packed))]
    listed = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, 10) + listed + bytes(4) + packed


def run_lengths(width: int, height: int) -> bytes:
    """A BMP of single pixels and ends of lines, which Pillow fills up in Python."""
    body = b"\x01\x07\0\0" * height + b"\0\1"
    sizes = (40, width, height, 1, 8, 1, len(body), 0, 0, 256, 256)
    before = 14 + 40 + 1024
    start = b"BM" + struct.pack("<IHHI", before + len(body), 0, 0, before)
    return start + struct.pack("<IiiHHIIiiII", *sizes) + bytes(1024) + body


def test_a_jpeg_of_too_many_scans_is_refused_by_its_header(monkeypatch):
    monkeypatch.setattr(header, "MAX_PIXELS", 64 * 64)
    assert decode_image(with_scans(20), SPEC).width == 64
    with pytest.raises(ImageError, match="21 passes over 4,096 pixels would take too long"):
        decode_image(with_scans(21), SPEC)
    monkeypatch.undo()
    assert decode_image(with_scans(500), SPEC).width == 64  # of so few pixels they take no time


def test_no_scan_hides_behind_another_one_that_is_none(monkeypatch):
    monkeypatch.setattr(header, "MAX_PIXELS", 64 * 64)
    comment = b"\xff\xfe\0\x07\xff\xda\0\x0e\x04"  # swallows what comes next where scans are read
    with pytest.raises(ImageError, match="passes"):
        decode_image(with_scans(21, before=comment), SPEC)


@pytest.mark.parametrize(("mode", "scans"), [("L", 6), ("RGB", 10), ("CMYK", 18)])
def test_progressive_jpegs_of_real_encoders_may_be_as_large_as_any(mode, scans, monkeypatch):
    data = encoded(picture(mode, (64, 64)), "JPEG", progressive=True)
    assert data.count(b"\xff\xda") == scans
    monkeypatch.setattr(header, "MAX_PIXELS", 64 * 64)
    assert decode_image(data, SPEC).width == 64


def test_pixels_that_look_like_scans_are_none(monkeypatch):
    monkeypatch.setattr(header, "MAX_PIXELS", 64 * 64)
    orange = Image.new("RGB", (64, 64), (255, 218, 0))
    for format in ("TIFF", "BMP", "PNG"):
        assert decode_image(encoded(orange, format), SPEC).width == 64
    assert decode_image(encoded(orange, "TIFF", compression="jpeg"), SPEC).width == 64


def test_a_bmp_that_is_decoded_in_python_may_not_be_large():
    assert decode_image(run_lengths(30, 30), SPEC).width == 30
    started = time.process_time()
    with pytest.raises(ImageError, match="would take too long"):
        decode_image(run_lengths(9_000, 9_000), SPEC)
    assert time.process_time() - started < 1.0


def test_a_tile_larger_than_its_picture_counts_as_it_is():
    assert decode_image(tiff_of_tiles(64, 64), SPEC).width == 10
    with pytest.raises(ImageError, match="20000 x 20000 is more than"):
        decode_image(tiff_of_tiles(20_000, 20_000), SPEC)
    data = tiff_of_tiles(4_000, 2_000)
    with Image.open(io.BytesIO(data)) as image:
        assert header.bytes_to_decode(image, data) > 4 * 4_000 * 2_000


def test_a_side_may_not_be_absurd():
    with pytest.raises(ImageError, match="a side is more than 1,000,000"):
        decode_image(png_that_claims(30, 1_500_000), SPEC)


def test_a_column_that_is_resized_to_more_than_an_image_may_have_is_refused():
    data = png_that_claims(10, 600_000)
    with pytest.raises(ImageError, match="150 x 600000 is more than"):
        decode_image(data, PixelSpec(150, "bilinear", "ignored"))
    with pytest.raises(ImageError, match="150 x 600000 is more than"):  # once it is turned
        decode_image(png_that_claims(600_000, 10), PixelSpec(150, "bilinear", "applied"))


@pytest.mark.parametrize(
    ("data", "bytes_a_pixel"),
    [
        (encoded(picture("P", (200, 200)), "PNG"), 1),
        (encoded(picture("RGBA", (200, 200)), "PNG"), 4),
        (encoded(picture("RGB", (200, 200)), "JPEG"), 4),
        (encoded(picture("RGB", (200, 200)), "JPEG", progressive=True), 10),
        (encoded(picture("CMYK", (200, 200)), "JPEG", progressive=True), 12),
        (encoded(picture("RGB", (200, 200)), "WEBP"), 16),
    ],
)
def test_what_decoding_takes_is_known_before_it_begins(data, bytes_a_pixel):
    with Image.open(io.BytesIO(data)) as image:
        assert header.bytes_to_decode(image, data) // (200 * 200) == bytes_a_pixel


def tiff_of_tags(number: int, size: int) -> bytes:
    """A TIFF of 8 x 8 pixels with so many tags, which all have the same bytes for a value."""
    fields = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items()]
    entries += [struct.pack("<HHII", 1000 + i, 7, size, 8) for i in range(number)]
    listed = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return (b"II*\0" + struct.pack("<I", 8) + listed).ljust(size + 8, b"\0")


def jpeg_of_tags(number: int, size: int) -> bytes:
    """A JPEG with such tags for EXIF data, in as many segments as it takes; without a JFIF header,
    so that Pillow would look for the resolution there."""
    data, part = encoded(picture(), "JPEG"), 65_000
    data = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]
    exif = tiff_of_tags(number, size)
    parts = [b"Exif\0\0" + exif[i : i + part] for i in range(0, len(exif), part)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(each) + 2) + each for each in parts)
    return data[:2] + segments + data[2:]


def gif_of_comments(size: int) -> bytes:
    """A GIF with one long comment, which Pillow puts together piece by piece."""
    data = encoded(picture("P"), "GIF")
    begin = 13 + (3 << ((data[10] & 7) + 1))
    return data[:begin] + b"!\xfe" + (b"\xff" + b"c" * 255) * (size // 256) + b"\0" + data[begin:]


def jpeg_of_comments(number: int) -> bytes:
    data = encoded(picture(), "JPEG")
    return data[:2] + b"\xff\xfe\0\2" * number + data[2:]


def png_of_chunks(number: int) -> bytes:
    data = encoded(picture(), "PNG")
    begin = data.index(b"IDAT") - 4
    empty = bytes(4) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return data[:begin] + empty * number + data[begin:]


def refused_in_little(data: bytes, spec: PixelSpec, message: str) -> None:
    """It takes neither the time nor the memory that Pillow alone would take."""
    started = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match=message):
            decode_image(data, spec)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(data) + (8 << 20)
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 10.0


def test_tags_that_share_their_bytes_are_not_copied_again_and_again():
    refused_in_little(tiff_of_tags(1_000, 100_000), SPEC, "read many times over")
    assert decode_image(tiff_of_tags(20, 1_000), SPEC).width == 8


def test_exif_data_are_not_looked_into_unless_they_are_needed_and_then_within_bounds():
    data = jpeg_of_tags(1_000, 300_000)
    assert decode_image(data, SPEC).width == 40
    refused_in_little(data, PixelSpec(20, "bilinear", "applied"), "read many times over")
    assert decode_image(jpeg_of_tags(20, 1_000), PixelSpec(20, "bilinear", "applied")).width == 40


@pytest.mark.parametrize("place", [b"IDAT", b"IEND", b"tEXt"])
def test_exif_data_of_a_png_are_bounded_wherever_they_stand(place):
    block = tiff_of_tags(1_000, 100_000)
    data = encoded(picture(), "PNG")
    if place == b"tEXt":
        text = PngImagePlugin.PngInfo()
        text.add_text("Raw profile type exif", f"\nexif\n{len(block)}\n{block.hex()}", zip=True)
        data = encoded(picture(), "PNG", pnginfo=text)
    else:
        check = struct.pack(">I", zlib.crc32(b"eXIf" + block))
        chunk = struct.pack(">I", len(block)) + b"eXIf" + block + check
        before = data.index(place) - 4
        data = data[:before] + chunk + data[before:]
    assert decode_image(data, SPEC).width == 40
    refused_in_little(data, PixelSpec(20, "bilinear", "applied"), "read many times over")


def tiff_of_numbers(tag: int, kind: int, size: int, further: int | None = None) -> bytes:
    """A TIFF of 8 x 8 pixels with one tag of so many bytes; in another directory if one is named.

    Args:
        tag: the tag, one that Pillow reads.
        kind: 3 and 4 are whole numbers, 5 fractions, 6 signed bytes, 7 bytes.
        size: bytes of its value.
        further: tag that tells where the other directory is.
    """
    fields = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    fields.pop(tag, None)
    entries = [struct.pack("<HHII", name, 4, 1, value) for name, value in fields.items()]
    held = struct.pack("<HHII", tag, kind, size // {3: 2, 4: 4, 5: 8}.get(kind, 1), 8)
    end = 8 + 2 + 12 * (len(entries) + 1) + 4
    entries.append(held if further is None else struct.pack("<HHII", further, 4, 1, end))
    listed = struct.pack("<H", len(entries)) + b"".join(sorted(entries)) + bytes(4)
    other = b"" if further is None else struct.pack("<H", 1) + held + bytes(4)
    return b"II*\0" + struct.pack("<I", 8) + listed + other + b"\7" * size


@pytest.mark.parametrize(
    ("tag", "kind", "further"),
    [(282, 5, None), (273, 6, None), (258, 3, None), (270, 5, 34665), (1, 4, 34853)],
)
@pytest.mark.parametrize("orientation", ["ignored", "applied"])
def test_tags_of_millions_of_numbers_are_refused(tag, kind, further, orientation):
    data = tiff_of_numbers(tag, kind, 10_000_000, further)
    spec = PixelSpec(20, "bilinear", orientation)
    refused_in_little(data, spec, "hold too many numbers")


def test_the_other_order_of_bytes_and_large_tiffs_are_bounded_too():
    entry = struct.pack(">HHII", 282, 5, 20_000, 8)
    plain = b"MM\0*" + struct.pack(">IH", 8, 1) + entry
    large = b"II+\0\x08\0\0\0" + struct.pack("<QQHHQQ", 16, 1, 282, 5, 20_000, 8)
    for data in (plain, large):
        check_tags(data.ljust(159_999, b"\0"))
        with pytest.raises(ImageError, match="hold too many numbers"):
            check_tags(data.ljust(160_000, b"\0"))


def test_tags_of_many_bytes_and_of_as_many_strips_as_rows_are_read():
    assert decode_image(tiff_of_numbers(700, 7, 10_000_000), SPEC).width == 8
    check_tags(tiff_of_numbers(273, 4, 4_000_000))
    damaged = tiff_of_numbers(282, 5, 1_000)
    claims = damaged.replace(struct.pack("<HHI", 282, 5, 125), struct.pack("<HHI", 282, 5, 2**31))
    check_tags(claims)  # what is not there is not read either
    check_tags(b"II*\0\xff\xff")


def test_directories_that_name_each_other_are_read_once():
    data = tiff_of_numbers(34665, 4, 4, 34665)
    at = data.index(struct.pack("<HHII", 34665, 4, 1, 8))
    check_tags(data)
    check_tags(data[: at + 8] + struct.pack("<I", at - 2) + data[at + 12 :])


def test_headers_of_too_many_pieces_are_refused():
    refused_in_little(gif_of_comments(10_000_000), SPEC, "too many pieces")
    refused_in_little(jpeg_of_comments(1_000_000), SPEC, "too many pieces")


def test_a_png_of_too_many_chunks_is_refused(monkeypatch):
    data = png_of_chunks(5_000)
    assert decode_image(data, SPEC).width == 40
    monkeypatch.setattr(opening, "READS", 10_000)
    with pytest.raises(ImageError, match="too many pieces"):
        decode_image(data, SPEC)


def inside(gate: Gate, amount: int, inside: list[int], leave: threading.Event) -> threading.Thread:
    def enter() -> None:
        with gate.taking(amount):
            inside.append(amount)
            assert leave.wait(WAIT)

    thread = threading.Thread(target=enter)
    thread.start()
    return thread


def until(holds: object) -> None:
    end = time.monotonic() + WAIT
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    assert holds()


def test_a_gate_lets_in_what_fits_and_what_never_fits_alone():
    gate, entered = Gate(10), []
    leave = [threading.Event() for _ in range(4)]
    threads = [inside(gate, 6, entered, leave[0])]
    until(lambda: entered == [6])
    threads.append(inside(gate, 40, entered, leave[1]))
    time.sleep(0.05)
    threads.append(inside(gate, 1, entered, leave[2]))  # would fit, and does not overtake
    time.sleep(0.05)
    assert entered == [6]
    leave[0].set()
    until(lambda: entered == [6, 40])
    time.sleep(0.05)
    assert entered == [6, 40]
    leave[1].set()
    until(lambda: entered == [6, 40, 1])
    threads.append(inside(gate, 9, entered, leave[3]))
    until(lambda: entered == [6, 40, 1, 9])  # both at once
    for event in leave:
        event.set()
    for thread in threads:
        thread.join(WAIT)


def test_images_that_do_not_fit_together_are_decoded_one_after_the_other(monkeypatch):
    monkeypatch.setattr(decode, "DECODING", Gate(200 * 200))
    data = encoded(picture("RGB", (200, 200)), "PNG")
    resized, now, most = decode._resized, [], []

    def count(image, spec):
        now.append(1)
        most.append(len(now))
        time.sleep(0.02)
        pixels = resized(image, spec)
        now.pop()
        return pixels

    monkeypatch.setattr(decode, "_resized", count)
    threads = [threading.Thread(target=decode_image, args=(data, SPEC)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert most == [1, 1, 1, 1]


TWO_THREADS = """
import io, sys
from concurrent.futures import ThreadPoolExecutor
from pipelines.images.decode import PixelSpec, decode_image
from tests.memory import own_peak

data = open(sys.argv[1], "rb").read()
spec = PixelSpec(150, "bilinear", sys.argv[2])
with ThreadPoolExecutor(2) as threads:
    widths = [each.width for each in threads.map(lambda _: decode_image(data, spec), range(2))]
print(*widths, own_peak() // 1024)
"""


@pytest.mark.faults
@pytest.mark.parametrize(
    ("mode", "orientation", "most"), [("P", "ignored", 400), ("RGBA", "applied", 850)]
)
def test_two_threads_on_the_largest_pictures(mode, orientation, most, tmp_path):
    """9459 x 9459 pixels in 347 KB at most; before there was a gate they took 0.9 and 2.1 GB."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "bomb.png"
    Image.new(mode, (9459, 9459)).save(path, exif=exif)
    assert path.stat().st_size < 400_000
    command = [sys.executable, "-c", TWO_THREADS, str(path), orientation]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *widths, peak = (int(word) for word in done.stdout.split())
    print(f"{mode}, orientation {orientation}: {peak} MiB")
    assert widths == [9459, 9459]
    assert peak < most


@pytest.mark.parametrize(
    ("start", "passes"),
    [(b"P2 %d 100 255\n", 100), (b"P3 %d 100 7\n", 300), (b"P6 %d 100 7\n", 300)],
)
def test_portable_maps_that_are_read_in_python_are_bounded(start, passes):
    most = header.MAX_PASSES * header.MAX_PIXELS // passes // 100
    with pytest.raises(ImageError, match="cannot be decoded"):  # it is cut short
        decode_image(start % most, SPEC)
    with pytest.raises(ImageError, match=f"{passes} passes over .* pixels would take too long"):
        decode_image(start % (most + 1), SPEC)


def test_a_portable_map_of_comments_is_refused():
    with pytest.raises(ImageError, match="too many comments"):
        decode_image(b"P2 100 100 255\n" + b"#\n" * 10_001, SPEC)
    within = b"P2 100 100 255\n" + b"#\n7 " * 10_000
    started = time.process_time()
    assert decode_image(within, SPEC).width == 100
    assert time.process_time() - started < 5.0
