"""Files and objects are read within bounds, whatever their size is or is said to be."""

import errno
import hashlib
import os
import tracemalloc
from pathlib import Path

import numpy as np
import obstore
import pytest
from obstore.store import MemoryStore

from pipelines.images.decode import PixelSpec
from pipelines.images.hashing import ContentHashes
from pipelines.images.loading import load_images
from pipelines.records import Failure, ImageRef
from pipelines.stores import files, objects
from pipelines.stores.objects import TooLargeError
from pipelines.stores.reading import read_bytes, sha256_of
from tests.conftest import write_image

GIB = 1 << 30
READERS = pytest.mark.parametrize("read", [read_bytes, sha256_of])


@pytest.fixture
def sparse(tmp_path) -> str:
    """A file of 40 GiB that takes no disk."""
    path = tmp_path / "x.jpg"
    path.touch()
    os.truncate(path, 40 * GIB)
    return str(path)


@READERS
def test_a_file_that_is_too_large_is_not_read(read, sparse):
    with pytest.raises(TooLargeError, match="42,949,672,960 bytes are more than the 268,435,456"):
        read(sparse)


@READERS
def test_a_file_that_says_it_is_empty_is_read_as_far_as_allowed(read):
    assert Path("/proc/self/maps").stat().st_size == 0
    with pytest.raises(TooLargeError, match="more than the 100 allowed"):
        read("/proc/self/maps", 100)
    assert read("/proc/self/maps", 10 << 20)


@READERS
def test_what_has_no_end_is_not_opened(read, tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    for name in ("pipe.jpg", "zero.jpg"):
        with pytest.raises(OSError, match="not a regular file"):
            read(str(tmp_path / name))


def test_the_limit_itself_is_allowed(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(str(tmp_path / "a"), 5) == b"12345"
    with pytest.raises(TooLargeError):
        read_bytes(str(tmp_path / "a"), 4)


def test_a_pipe_that_takes_a_file_s_place_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "file.jpg").write_bytes(b"1")
    found = (tmp_path / "file.jpg").stat()
    monkeypatch.setattr(os, "stat", lambda path: found)
    with pytest.raises(OSError, match="not a regular file"):
        read_bytes(str(tmp_path / "pipe.jpg"))


@READERS
def test_a_trouble_that_passes_is_tried_again(read, tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"whole")
    really, troubles = os.open, [errno.EIO, errno.ESTALE]

    def open_or_fail(*args):
        if troubles:
            raise OSError(troubles.pop(), "a trouble")
        return really(*args)

    monkeypatch.setattr(files, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(os, "open", open_or_fail)
    assert read(str(tmp_path / "a")) in (b"whole", hashlib.sha256(b"whole").hexdigest())


def test_a_large_file_is_hashed_in_blocks(tmp_path):
    content = np.random.default_rng(1).bytes(32 << 20)
    (tmp_path / "a").write_bytes(content)
    tracemalloc.start()
    found = sha256_of(str(tmp_path / "a"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == hashlib.sha256(content).hexdigest()
    assert peak < 4 << 20


@pytest.fixture
def bucket(monkeypatch) -> MemoryStore:
    store = MemoryStore()
    monkeypatch.setattr(objects, "open_bucket", lambda place: store)
    return store


def test_objects_are_bounded_too(bucket):
    content = np.random.default_rng(1).bytes(5 << 20)
    obstore.put(bucket, "a.jpg", content)
    assert read_bytes("s3://bucket/a.jpg", 5 << 20) == content
    assert sha256_of("s3://bucket/a.jpg", 5 << 20) == hashlib.sha256(content).hexdigest()
    for read in (read_bytes, sha256_of):
        with pytest.raises(TooLargeError, match="5,242,880 bytes are more than the 5,242,879"):
            read("s3://bucket/a.jpg", (5 << 20) - 1)
        with pytest.raises(FileNotFoundError):
            read("s3://bucket/b.jpg")


def test_a_hash_that_cannot_be_had_is_none(sparse):
    hashes = ContentHashes()
    assert hashes.of([ref("x", sparse)]) == {sparse: None}
    assert isinstance(hashes.errors[sparse], TooLargeError)


def ref(name: str, uri: str, size: int = 0) -> ImageRef:
    return ImageRef(name, uri, None, "train", size, 0, 0)


def test_a_large_file_is_a_failure_that_lasts_and_says_what_to_do(sparse, tmp_path):
    good = write_image(tmp_path / "good.png", seed=1)
    pixels = PixelSpec(8, "bilinear", "ignored")
    refs = [ref("a", str(good)), ref("b", sparse), ref("c", str(good))]
    first, large, last = load_images(refs, pixels, threads=2, ahead=4)
    assert not isinstance(first, Failure)
    assert not isinstance(last, Failure)
    assert isinstance(large, Failure)
    assert (large.stage, large.error, large.lasting) == ("read", "TooLargeError", True)
    assert "--max_image_bytes" in large.message
    small = PixelSpec(8, "bilinear", "ignored", max_bytes=good.stat().st_size - 1)
    (failure,) = load_images(refs[:1], small, threads=1, ahead=1)
    assert isinstance(failure, Failure)


def test_objects_that_wait_to_be_decoded_are_bounded(bucket, tmp_path, monkeypatch):
    """Ten of 600 bytes may wait by number, and two by weight."""
    from pipelines.images import loading

    content = write_image(tmp_path / "a.png", seed=1).read_bytes()
    names = [f"{n}.png" for n in range(20)]
    for name in names:
        obstore.put(bucket, name, content)
    monkeypatch.setattr(loading, "READ_BYTES", 2 * len(content))
    asked, decoded, most = [], [], []
    really, decode = loading.read_bytes, loading.decode_rows
    monkeypatch.setattr(loading, "read_bytes", lambda *a: asked.append(1) or really(*a))

    def count(*args):
        most.append(len(asked) - len(decoded))
        decoded.append(1)
        return decode(*args)

    monkeypatch.setattr(loading, "decode_rows", count)
    refs = [ref(name, f"s3://bucket/{name}", len(content)) for name in names]
    pixels = PixelSpec(8, "bilinear", "ignored")
    found = list(load_images(refs, pixels, threads=1, ahead=10))
    assert [each.source.ref.image_id for each in found] == names
    assert max(most) <= 6
