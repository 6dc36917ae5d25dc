"""The same bytes in two places: what is found, and how much of it is told."""

import pytest

from pipelines.commits.leakage import EXAMPLES, find_leakage, refuse_leakage
from pipelines.errors import CommitRefusedError


def contents(groups: int) -> list[tuple[str, str | None, str, str]]:
    """A group is one picture in two splits; one more picture stands under two labels."""
    across = [
        (f"{split}/{n}.png", "dog", split, f"picture {n}")
        for n in range(groups)
        for split in ("train", "test")
    ]
    return [*across, ("a.png", "cat", "train", "other"), ("b.png", "dog", "train", "other")]


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
        "2 more images in different splits, which --json lists",
        "the same image under different labels: a.png, b.png",
    ]


def test_few_are_told_whole_and_none_is_no_news():
    assert len(find_leakage(contents(EXAMPLES)).describe()) == EXAMPLES + 1
    clean = find_leakage([("a.png", "cat", "train", "x"), ("b.png", "cat", "train", "x")])
    assert clean.describe() == []
    refuse_leakage(clean)
    with pytest.raises(CommitRefusedError, match=r"test/0.png, train/0.png \(3 such groups\)"):
        refuse_leakage(find_leakage(contents(2)))
