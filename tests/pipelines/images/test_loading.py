import threading

import numpy as np

from pipelines.images import loading
from pipelines.images.decode import PixelSpec
from pipelines.images.loading import STORE_READERS, LoadedImage, load_images
from pipelines.records import ImageRef
from tests.conftest import write_image

PIXELS = PixelSpec(8, "bilinear", "ignored")


def refs(root: str, count: int) -> list[ImageRef]:
    return [ImageRef(f"{n}", f"{root}/{n}.png", None, "train", 1, 0, 0) for n in range(count)]


def test_objects_are_asked_for_side_by_side(tmp_path, monkeypatch):
    """The readers wait for one another: fewer at once would wait for ever."""
    data = [write_image(tmp_path / f"{n}.png", n).read_bytes() for n in range(2 * STORE_READERS)]
    together = threading.Barrier(STORE_READERS, timeout=20)

    def read(uri, most):
        together.wait()
        return data[int(uri.rpartition("/")[2].removesuffix(".png"))]

    monkeypatch.setattr(loading, "read_bytes", read)
    remote = list(load_images(refs("s3://bucket", len(data)), PIXELS, threads=2, ahead=4))
    monkeypatch.undo()
    local = list(load_images(refs(str(tmp_path), len(data)), PIXELS, threads=2, ahead=4))
    assert [each.source.ref.image_id for each in remote] == [f"{n}" for n in range(len(data))]
    for one, other in zip(remote, local, strict=True):
        assert isinstance(one, LoadedImage)
        assert one.source.sha256 == other.source.sha256
        assert np.array_equal(one.pixels, other.pixels)


def test_nothing_is_no_image():
    assert list(load_images([], PIXELS, threads=2, ahead=4)) == []
