import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engines.extraction import extract_images
from pipelines.images.decode import PixelSpec
from pipelines.records import ImageRef
from pipelines.system.threads import map_ahead
from tests.conftest import write_image

PIXELS = PixelSpec(8, "bilinear", "ignored")


class MeanColour:
    """An engine whose features can be told in the head: the mean of each channel."""

    name = "mean"
    feature_shape = (3,)

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.calls: list[int] = []

    def extract(self, images):
        self.calls.append(len(images))
        return images.mean(axis=(1, 2), dtype=np.float32)

    def shrink(self, failed):
        self.batch_size = min(self.batch_size, failed // 2)


@given(
    items=st.lists(st.integers(), max_size=50), threads=st.integers(1, 5), ahead=st.integers(0, 9)
)
def test_map_ahead_keeps_the_order(items, threads, ahead):
    assert list(map_ahead(lambda x: x * 2, items, threads, ahead)) == [x * 2 for x in items]


def test_map_ahead_does_not_run_away():
    taken = []

    def source():
        for i in range(100):
            taken.append(i)
            yield i

    results = map_ahead(lambda x: x, source(), threads=2, ahead=5)
    assert next(results) == 0
    assert len(taken) == 6
    results.close()


def test_map_ahead_passes_errors_on_and_stops():
    started = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda x: 1 // x, [1, 1, 0, 1], threads=2, ahead=2))
    assert threading.active_count() == started


@settings(deadline=None, max_examples=20)
@given(broken=st.sets(st.integers(0, 12)), batch=st.integers(1, 6), threads=st.integers(1, 3))
def test_each_row_is_its_own_images_and_batches_are_full(tmp_path_factory, broken, batch, threads):
    folder = tmp_path_factory.mktemp("images")
    refs = []
    for i in range(13):
        path = write_image(folder / f"{i:02d}.png", seed=i)
        if i in broken:
            path.write_bytes(b"no image")
        refs.append(ImageRef(path.name, str(path), None, "train", path.stat().st_size, 0, 0))

    engine = MeanColour(batch)
    results = list(extract_images(refs, engine, PIXELS, threads))
    sources = [source for each in results for source in each.block.sources]
    good = [ref for i, ref in enumerate(refs) if i not in broken]
    assert [source.ref for source in sources] == good
    failures = [failure for each in results for failure in each.failures]
    assert [f.ref for f in failures] == [ref for i, ref in enumerate(refs) if i in broken]
    assert all(f.stage == "decode" and f.lasting for f in failures)
    assert sorted(engine.calls, reverse=True) == [batch] * (len(good) // batch) + [
        r for r in [len(good) % batch] if r
    ]

    alone = MeanColour(1)
    for each in results:
        for source, features in zip(each.block.sources, each.block.features, strict=True):
            (one,) = extract_images([source.ref], alone, PIXELS, 1)
            np.testing.assert_array_equal(one.block.features[0], features)


def test_a_missing_file_is_a_passing_failure(tmp_path):
    ref = ImageRef("x", str(tmp_path / "x.jpg"), None, "train", 1, 0, 0)
    (result,) = extract_images([ref], MeanColour(2), PIXELS, 1)
    (failure,) = result.failures
    assert (failure.stage, failure.error, failure.lasting) == ("read", "FileNotFoundError", False)
    assert failure.message == "No such file or directory"
