"""The same bytes in two places: in two splits, which flatters every test, or under two labels."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.errors import CommitRefusedError

Content = tuple[str, str | None, str, str]
"""Image id, label, split and SHA-256 of an image."""

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Leakage:
    """Groups of images whose bytes are the same, where they should not be.

    Attributes:
        across_splits: ids of images that stand in several splits, a group each.
        under_labels: ids of images that stand under several labels, a group each.
    """

    across_splits: tuple[tuple[str, ...], ...]
    under_labels: tuple[tuple[str, ...], ...]

    def describe(self) -> list[str]:
        """What was found, a line each, and how many more than `EXAMPLES` of either kind."""
        kinds = (
            ("in different splits", self.across_splits),
            ("under different labels", self.under_labels),
        )
        lines = []
        for where, groups in kinds:
            lines += [f"the same image {where}: {', '.join(ids)}" for ids in groups[:EXAMPLES]]
            if len(groups) > EXAMPLES:
                more = len(groups) - EXAMPLES
                lines.append(f"{more} more images {where}, which --json lists")
        return lines


def find_leakage(contents: Iterable[Content]) -> Leakage:
    """Find images with the same bytes in different splits or under different labels."""
    by_hash: defaultdict[str, list[Content]] = defaultdict(list)
    for content in contents:
        by_hash[content[3]].append(content)
    groups = [sorted(group) for group in by_hash.values() if len(group) > 1]
    return Leakage(
        across_splits=_ids(group for group in groups if len({each[2] for each in group}) > 1),
        under_labels=_ids(group for group in groups if len({each[1] for each in group}) > 1),
    )


def refuse_leakage(leakage: Leakage) -> None:
    """Stop a run whose user asked for it by `--leakage error`.

    Raises:
        CommitRefusedError: there is any leakage.
    """
    found = len(leakage.across_splits) + len(leakage.under_labels)
    if found:
        raise CommitRefusedError(
            f"{leakage.describe()[0]} ({found} such groups); nothing was committed, remove the "
            "copies or allow them with --leakage report"
        )


def _ids(groups: Iterable[list[Content]]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(tuple(each[0] for each in group) for group in groups))
