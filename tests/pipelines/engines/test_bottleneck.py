import numpy as np
import pytest

from pipelines.engines.bottleneck import BaseClock, Waits, name_bottleneck
from pipelines.engines.extraction import extract_images
from pipelines.images.decode import PixelSpec
from pipelines.records import ImageRef
from tests.conftest import write_image
from tests.pipelines.engines.test_extraction import MeanColour


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_time_goes_to_the_base_whenever_a_batch_is_in_it():
    hands = Hands()
    clock = BaseClock(hands)
    hands.time += 1  # nothing decoded yet
    with clock.base():
        hands.time += 10
        with clock.writing():
            hands.time += 20  # written behind the base's back
            with clock.base():
                hands.time += 40
        hands.time += 80
    with clock.writing():
        hands.time += 160
    hands.time += 2
    assert clock.read() == Waits(base=150.0, images=3.0, writing=160.0)
    assert clock.read().seconds == hands.time - 100


def test_waits_of_shards_add_up():
    assert Waits(1, 2, 3) + Waits(10, 20, 30) == Waits(11, 22, 33)


@pytest.mark.parametrize(
    ("waits", "threads", "said"),
    [
        (Waits(9.5, 0.3, 0.2), 2, "the base bounds this run"),
        (Waits(5, 4, 1), 1, "hold it back; more cores a worker (--threads, now 1 of 2) would"),
        (Waits(5, 4, 1), 2, "hold it back; more workers (--runner), or a nearer disk, would"),
        (Waits(5, 1, 4), 2, "encoding and writing hold it back; fewer features (--pooling)"),
    ],
)
def test_the_sentence_names_what_bounds_the_run(waits, threads, said):
    assert said in name_bottleneck(waits, threads, cores=2)


def test_nothing_is_said_of_what_was_not_counted():
    assert name_bottleneck(Waits(), 2, 2) is None


def test_a_slow_consumer_is_told_from_a_slow_disk(tmp_path, monkeypatch):
    import time

    refs = []
    for i in range(12):
        path = write_image(tmp_path / f"{i:02d}.png", seed=i)
        refs.append(ImageRef(path.name, str(path), None, "train", 1, 0, 0))
    pixels = PixelSpec(8, "bilinear", "ignored")

    def waits(pause_of_consumer: float, pause_of_reader: float) -> Waits:
        from pipelines.images import loading

        real = loading.read_bytes

        def read(uri: str, most: int) -> bytes:
            time.sleep(pause_of_reader)
            return real(uri, most)

        with monkeypatch.context() as patch:
            patch.setattr(loading, "read_bytes", read)
            clock = BaseClock()
            for _ in extract_images(refs, MeanColour(2), pixels, 1, clock):
                time.sleep(pause_of_consumer)
        return clock.read()

    written = waits(0.08, 0.0)
    assert written.writing > 2 * (written.images + written.base)
    read = waits(0.0, 0.03)
    assert read.images > 2 * (read.writing + read.base)
    assert read.images > len(refs) * 0.03 / 2
    assert np.isclose(read.seconds, read.base + read.images + read.writing)
