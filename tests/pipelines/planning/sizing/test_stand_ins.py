"""What a plan is measured on: images from everywhere, each decoded once for all its copies."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipelines.contract import Augmentation
from pipelines.images import loading
from pipelines.images.decode import pixel_spec
from pipelines.planning.job import make_contract
from pipelines.planning.sizing import stages
from pipelines.planning.sizing.stand_ins import repeat_images, spread_images
from pipelines.records import ImageRef
from tests.conftest import TINY, write_image


def rows_of(images: int, copies: int) -> list[ImageRef]:
    first = [ImageRef(f"{n:04d}", f"{n}.png", None, "train", 1, 0, 0) for n in range(images)]
    return [replace(ref, copy=copy) for ref in first for copy in range(copies + 1)]


@given(images=st.integers(1, 60), copies=st.integers(0, 4), count=st.integers(1, 100))
def test_images_are_taken_whole_and_from_one_end_to_the_other(images, copies, count):
    refs = rows_of(images, copies)
    taken = spread_images(refs, count)
    places = [int(image[0].image_id) for image in taken]
    assert [ref for image in taken for ref in image] == [
        ref for ref in refs if int(ref.image_id) in places
    ]
    share = max(1.0, min(images, count / (copies + 1)))
    assert abs(len(taken) - share) <= 0.5 + 1e-9  # a half goes either way
    if len(taken) > 1:
        assert (places[0], places[-1]) == (0, images - 1)
        gaps = [after - before for before, after in itertools.pairwise(places)]
        assert max(gaps) - min(gaps) <= 1


@given(images=st.integers(1, 10), copies=st.integers(0, 4), count=st.integers(1, 100))
def test_repeated_rows_are_as_many_as_wanted_each_under_its_name(images, copies, count):
    rows = repeat_images(rows_of(images, copies), count)
    assert len(rows) == len({ref.name for ref in rows}) == count
    assert [(ref.image_id, ref.copy) for ref in rows] == [
        (f"{place // (copies + 1):09d}", place % (copies + 1)) for place in range(count)
    ]


def test_an_image_is_decoded_once_for_all_its_copies(tmp_path, monkeypatch):
    path = write_image(tmp_path / "one.png", seed=1)
    decoded = []

    def decode(data, pixels):
        decoded.append(data)
        return plain(data, pixels)

    plain = loading.decode_image
    monkeypatch.setattr(loading, "decode_image", decode)
    monkeypatch.setattr(stages, "DECODE_SECONDS", 0.0001)
    images = [[replace(ref, uri=str(path)) for ref in rows_of(1, 3)]]
    contract = make_contract(TINY)
    loaded, rate = stages.time_decoding(images, pixel_spec(contract, Augmentation()), 1)
    assert [each.source.ref.copy for each in loaded] == [0, 1, 2, 3]
    assert decoded == [path.read_bytes()]
    assert rate > 0
