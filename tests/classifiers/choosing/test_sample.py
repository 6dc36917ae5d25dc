"""Drawing the images that are tried."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.choosing.sample import draw_sample, labelled
from pipelines.errors import UsageError
from pipelines.records import ImageRef


def images(labels, split="train"):
    return [
        ImageRef(f"{number:04d}", f"/{number}", label, split, 1, 0, 0)
        for number, label in enumerate(labels)
    ]


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=60),
    st.integers(1, 80),
    st.integers(0, 3),
)
def test_every_class_keeps_its_share_rounded_up(labels, wanted, seed):
    refs = images(labels)
    drawn = draw_sample(refs, wanted, seed)
    assert len({ref.image_id for ref in drawn}) == len(drawn)
    assert drawn == sorted(drawn, key=lambda ref: ref.image_id)
    for label, there in Counter(labels).items():
        share = min(there, -(-wanted * there // len(labels)))
        assert sum(ref.label == label for ref in drawn) == share
    # The order of the input is of no matter.
    assert draw_sample(refs[::-1], wanted, seed) == drawn


def test_another_seed_draws_others():
    refs = images("ab" * 100)
    assert draw_sample(refs, 20, 0) != draw_sample(refs, 20, 1)


def test_what_tells_no_classes_apart_is_refused():
    with pytest.raises(UsageError, match="there are images in train; name a split with --split"):
        labelled(images("ab"), "test", "x")
    with pytest.raises(UsageError, match="all images of split 'train' of x have the label 'a'"):
        labelled([*images("aa"), *images("b", "test"), *images([None])], "train", "x")
    assert len(labelled([*images("ab"), *images([None])], "train", "x")) == 2
