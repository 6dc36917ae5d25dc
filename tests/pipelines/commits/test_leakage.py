"""The same bytes in two places: what is found, and how much of it is told."""

import pytest

from pipelines.commits.leakage import EXAMPLES, Content, find_leakage, refuse_leakage
from pipelines.errors import CommitRefusedError


def contents(groups: int) -> list[Content]:
    """A group is one picture in two splits; one more picture stands under two labels."""
    across = [
        Content(f"{split}/{n}.png", "dog", split, None, f"picture {n}")
        for n in range(groups)
        for split in ("train", "test")
    ]
    return [
        *across,
        Content("a.png", "cat", "train", None, "other"),
        Content("b.png", "dog", "train", None, "other"),
    ]


def test_all_is_found_and_some_of_it_told():
    found = find_leakage(contents(EXAMPLES + 2))
    assert found.across_splits == tuple(
        (f"test/{n}.png", f"train/{n}.png") for n in range(EXAMPLES + 2)
    )
    assert found.under_labels == (("a.png", "b.png"),)
    assert found.describe() == [
        *(
            f"the same image in different splits: test/{n}.png, train/{n}.png"
            for n in range(EXAMPLES)
        ),
        "the same image in different splits: 2 more, which --json lists",
        "the same image under different labels: a.png, b.png",
    ]


def test_few_are_told_whole_and_none_is_no_news():
    assert len(find_leakage(contents(EXAMPLES)).describe()) == EXAMPLES + 1
    clean = find_leakage(Content(f"{n}.png", "cat", "train", "g", "x") for n in range(2))
    assert clean.describe() == []
    refuse_leakage(clean)
    with pytest.raises(CommitRefusedError, match=r"test/0.png, train/0.png \(3 such groups\)"):
        refuse_leakage(find_leakage(contents(2)))


def test_groups_in_two_splits_are_found_whatever_their_bytes():
    splits = ["train", "test", "train", "unlabelled", "validation"]
    images = [Content(f"{n}.png", "a", split, "g", str(n)) for n, split in enumerate(splits)]
    others = [Content("x", "a", split, group, "x") for split in splits for group in (None, split)]
    found = find_leakage([*reversed(images), *others[:2]])
    assert found.groups_across_splits == {"g": ("1.png", "0.png", "4.png")}
    assert found.describe() == ["one group in different splits: 'g', with 1.png, 0.png, 4.png"]
    assert find_leakage([images[0], images[3]]).groups_across_splits == {}
