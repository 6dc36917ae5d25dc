import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.images import inventory as inventory_module
from pipelines.images.inventory import Inventory, examples
from pipelines.images.picked import (
    Names,
    Picked,
    Selected,
    among,
    by_id,
    joined,
    mask_of,
    whole,
    without,
)
from pipelines.records import ImageRef

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
PLACES = st.text(st.sampled_from("ab/é\udcff"), max_size=8)
NUMBERS = st.integers(0, 2**62)


@st.composite
def listed(draw: st.DrawFn) -> list[ImageRef]:
    ids = sorted(draw(st.sets(NAMES, max_size=12)))
    alike = draw(st.booleans())
    return [
        ImageRef(
            image_id,
            f"/x\udcff/{image_id}" if alike else draw(PLACES),
            draw(st.sampled_from(["cat", "dog", "\0a\0b", None])),
            draw(st.sampled_from(["train", "test", "é"])),
            *(draw(NUMBERS), draw(NUMBERS), draw(NUMBERS)),
            group=draw(st.sampled_from([None, "g", "h"])),
        )
        for image_id in ids
    ]


@given(listed())
def test_columns_hold_what_the_images_say(refs: list[ImageRef]) -> None:
    images = Inventory.of(refs)
    assert list(images.values()) == refs
    assert list(images) == [ref.image_id for ref in refs]
    assert dict(images.items()) == {ref.image_id: ref for ref in refs}
    assert [images[ref.image_id] for ref in refs] == refs
    assert images.get("not there\0") is None
    assert "\udcff" not in images


@given(listed(), st.data())
def test_what_is_picked_reads_as_a_list_of_it_and_crosses_to_a_worker(
    refs: list[ImageRef], data: st.DataObject
) -> None:
    places = data.draw(st.lists(st.integers(0, max(0, len(refs) - 1)), max_size=len(refs)))
    picked = Picked(Inventory.of(refs), np.array(places, np.int64))
    plain = [refs[place] for place in places]
    assert list(picked) == plain
    assert picked == plain
    assert picked[1:] == plain[1:]
    assert [picked[place] for place in range(len(picked))] == plain
    crossed = pickle.loads(pickle.dumps(picked))
    assert list(crossed) == plain
    assert list(pickle.loads(pickle.dumps(crossed))) == plain
    # Only some of what has crossed is packed anew.
    assert list(pickle.loads(pickle.dumps(crossed[1:]))) == plain[1:]


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    refs = [ImageRef(f"{n:02}", f"/{n}", str(n % 3), "train", n, n, n) for n in range(20)]
    monkeypatch.setattr(inventory_module, "BLOCK", 3)
    images = Inventory.of(iter(refs))
    assert list(images.values()) == refs
    assert list(images) == [ref.image_id for ref in refs]


def test_a_name_that_no_file_can_have_leaves_objects() -> None:
    refs = [ImageRef("a", "/\ud800", None, "train", 0, 0, 0)]
    assert by_id(refs) == {"a": refs[0]}
    assert not isinstance(by_id(refs), Inventory)


def test_an_inventory_that_is_listed_as_a_whole_stays_one() -> None:
    images = Inventory.of([ImageRef("a", "/a", None, "train", 0, 0, 0)])
    assert by_id(whole(images)) is images


@given(listed())
def test_examples_have_every_label_split_and_group(refs: list[ImageRef]) -> None:
    found = list(examples(Inventory.of(refs)))
    assert set(found) <= set(refs)
    for name in ("label", "split", "group"):
        assert {getattr(ref, name) for ref in found} == {getattr(ref, name) for ref in refs}


@given(listed(), st.data())
def test_names_are_a_set_of_them(refs: list[ImageRef], data: st.DataObject) -> None:
    images = Inventory.of(refs)
    ids = [ref.image_id for ref in refs]
    some = st.frozensets(st.sampled_from(ids)) if ids else st.just(frozenset())
    one, other = data.draw(some), data.draw(some)
    beside = frozenset({"not there"})
    names = Names(images, mask_of(images, one))
    assert set(names) == one
    assert len(names) == len(one)
    assert bool(names) == bool(one)
    assert all((name in names) == (name in one) for name in ids)
    assert set(names | Names(images, mask_of(images, other))) == one | other
    assert set(names | other) == one | other
    assert set(names | beside) == one | beside
    assert set(names - other) == one - other
    chosen = {ref.image_id: ref for ref in refs if ref.image_id in one}
    assert dict(Selected(names)) == chosen
    assert among(Selected(names), [*ids, "not there"]) == chosen
    assert among(images, other | beside) == {r.image_id: r for r in refs if r.image_id in other}
    assert list(without(whole(images), other)) == [r for r in refs if r.image_id not in other]


def test_parts_of_one_inventory_are_joined_without_making_images() -> None:
    refs = [ImageRef(f"{n}", f"/{n}", None, "train", n, n, n) for n in range(5)]
    images = whole(Inventory.of(refs))
    parts = joined([images[3:], images[:2]])
    assert isinstance(parts, Picked)
    assert list(parts) == [*refs[3:], *refs[:2]]
    assert joined([images[3:], refs[:2]]) == [*refs[3:], *refs[:2]]
    assert joined([]) == []
    assert images.inventory.places(pa.array(["3", "x"])).tolist() == [3, -1]
