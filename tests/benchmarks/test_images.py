from collections import Counter

import pytest
from PIL import Image

from benchmarks.images import draw_images, list_images, repeat_images
from pipelines.errors import InputError
from pipelines.images import listing as source
from tests.conftest import write_image


@pytest.fixture
def few(tmp_path):
    for i in range(4):
        write_image(tmp_path / "few" / ("cats", "dogs")[i % 2] / f"{i}.png", seed=i)
    return tmp_path / "few"


def test_images_are_repeated_to_the_number(few, tmp_path):
    made = repeat_images(few, tmp_path / "many", 10)
    links = list_images(made)
    assert len(links) == 10
    assert sorted(Counter(link.resolve().name for link in links).values()) == [2, 2, 3, 3]
    assert all(link.parent.name == link.resolve().parent.name for link in links)


def test_fewer_are_spread_over_the_list(few, tmp_path):
    made = repeat_images(few, tmp_path / "two", 2)
    assert Counter(link.parent.name for link in list_images(made)) == {"cats": 1, "dogs": 1}


def test_the_project_lists_the_same_files_in_the_same_order(few, tmp_path):
    made = repeat_images(few, tmp_path / "many", 9)
    refs = sorted(source.list_images(str(made), None), key=lambda ref: ref.image_id)
    assert [ref.image_id for ref in refs] == [
        path.relative_to(made).as_posix() for path in list_images(made)
    ]
    assert {ref.split for ref in refs} == {"train"}


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(InputError, match="no images below"):
        list_images(tmp_path)


def test_drawn_pictures_are_jpeg_files_of_the_size_asked_for(tmp_path):
    paths = list_images(draw_images(tmp_path / "drawn", 3, side=24))
    assert len(paths) == 3
    with Image.open(paths[0]) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (24, 24), "RGB")
