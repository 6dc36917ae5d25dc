"""What stands in two splits and flatters every test: the same bytes, or images of one group.

The same bytes under two labels too.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pipelines.errors import CommitRefusedError
from pipelines.images.splits import UNLABELLED


class Content(NamedTuple):
    """What an image's row says that may leak."""

    image_id: str
    label: str | None
    split: str
    group: str | None
    sha256: str


EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Leakage:
    """Images that should not stand where they do, together.

    Attributes:
        across_splits: ids of images with the same bytes in several splits, a tuple each.
        under_labels: ids of images with the same bytes under several labels, a tuple each.
        groups_across_splits: by group, one image's id of each of the several splits that it is in.
    """

    across_splits: tuple[tuple[str, ...], ...]
    under_labels: tuple[tuple[str, ...], ...]
    groups_across_splits: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def describe(self) -> list[str]:
        """What was found, a line each, and how many more than `EXAMPLES` of either kind."""
        groups = self.groups_across_splits
        kinds = (
            ("the same image in different splits", [*map(", ".join, self.across_splits)]),
            ("the same image under different labels", [*map(", ".join, self.under_labels)]),
            (
                "one group in different splits",
                [f"{group!r}, with {', '.join(ids)}" for group, ids in groups.items()],
            ),
        )
        lines = []
        for what, found in kinds:
            lines += [f"{what}: {each}" for each in found[:EXAMPLES]]
            if len(found) > EXAMPLES:
                more = len(found) - EXAMPLES
                lines.append(f"{what}: {more} more, which --json lists")
        return lines


def find_leakage(contents: Iterable[Content]) -> Leakage:
    """Find the same bytes in several splits or under several labels, and groups in several splits.

    Images of the split "unlabelled" are neither trained on nor measured, so groups may have some.
    """
    by_hash: defaultdict[str, list[Content]] = defaultdict(list)
    by_group: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for content in contents:
        by_hash[content.sha256].append(content)
        if content.group is not None and content.split != UNLABELLED:
            first = by_group[content.group].setdefault(content.split, content.image_id)
            by_group[content.group][content.split] = min(first, content.image_id)
    same = [sorted(each, key=_place) for each in by_hash.values() if len(each) > 1]
    return Leakage(
        across_splits=_ids(each for each in same if len({one.split for one in each}) > 1),
        under_labels=_ids(each for each in same if len({one.label for one in each}) > 1),
        groups_across_splits={
            group: tuple(by_group[group][split] for split in sorted(by_group[group]))
            for group in sorted(by_group)
            if len(by_group[group]) > 1
        },
    )


def refuse_leakage(leakage: Leakage) -> None:
    """Stop a run whose user asked for it by `--leakage error`.

    Raises:
        CommitRefusedError: there is any leakage.
    """
    same = len(leakage.across_splits) + len(leakage.under_labels)
    found = same + len(leakage.groups_across_splits)
    if found:
        remedy = "remove the copies" if same else "put each group into one split (--split_by group)"
        raise CommitRefusedError(
            f"{leakage.describe()[0]} ({found} such groups); nothing was committed, {remedy} or "
            "allow them with --leakage report"
        )


def _place(content: Content) -> str:
    return content.image_id


def _ids(groups: Iterable[list[Content]]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(tuple(each.image_id for each in group) for group in groups))
