"""Groups of images that are the same picture, or nearly."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.auditing.nearest import Nearness, components
from classifiers.auditing.rows import AuditedRows

Places = npt.NDArray[np.int64]

SAME_BYTES, SAME_FEATURES, NEAR = "same bytes", "same features", "near"
"""Why images are in a group; the weakest reason that is needed to hold it together."""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Images that are the same picture, or nearly.

    Attributes:
        image_ids: ascending.
        splits: of each.
        labels: of each; None where it has none.
        similarities: of each to the nearest other of the group, 1 for the same features.
        kind: one of `SAME_BYTES`, `SAME_FEATURES`, `NEAR`.
    """

    image_ids: tuple[str, ...]
    splits: tuple[str, ...]
    labels: tuple[str | None, ...]
    similarities: tuple[float, ...]
    kind: str

    @property
    def across_splits(self) -> bool:
        """Whether a split is trained on what another one measures."""
        return len({*self.splits}) > 1

    @property
    def under_labels(self) -> bool:
        """Whether one picture has two labels."""
        return len({*self.labels} - {None}) > 1


def duplicate_groups(
    rows: AuditedRows, first: Places, whole: Places, near: Nearness
) -> list[DuplicateGroup]:
    """All groups: what crosses splits comes first, then what crosses labels, then the nearest.

    Args:
        rows: the images.
        first: int64 (n,), for each image the first of the same features.
        whole: int64 (m,), the places of those that were compared, ascending.
        near: what the comparison found of them.
    """
    joined = _linked(rows, first, whole, near)
    nearest = np.full(len(rows.ids), -1.0)
    nearest[whole] = near.cosines[:, 0]
    times = Counter(first.tolist())
    members: dict[int, list[int]] = defaultdict(list)
    for place, part in enumerate(joined.tolist()):
        members[part].append(place)
    found = []
    for places in members.values():
        if len(places) > 1:
            again = Counter(rows.sha256[place] for place in places)
            equal = [
                times[int(first[place])] > 1 or again[rows.sha256[place]] > 1 for place in places
            ]
            similarities = tuple(
                1.0 if same else round(float(nearest[place]), 6)
                for place, same in zip(places, equal, strict=True)
            )
            found.append(_group(rows, places, similarities, first))
    return sorted(
        found,
        key=lambda each: (
            not each.across_splits,
            not each.under_labels,
            -min(each.similarities),
            each.image_ids,
        ),
    )


def _linked(rows: AuditedRows, first: Places, whole: Places, near: Nearness) -> Places:
    """Numbers of images, equal for those that equal bytes, equal features or nearness link."""
    by_hash: dict[str, int] = {}
    of_bytes = [by_hash.setdefault(each, place) for place, each in enumerate(rows.sha256)]
    _, lead = np.unique(near.parts, return_index=True)
    of_part = dict(zip(near.parts[lead].tolist(), whole[lead].tolist(), strict=True))
    of_near = [of_part[part] for part in near.parts.tolist()]
    everyone = np.arange(len(rows.ids))
    ones = np.concatenate([everyone, everyone, whole])
    others = np.concatenate([first, of_bytes, of_near]).astype(np.int64)
    return components(len(rows.ids), ones, others)


def _group(
    rows: AuditedRows, places: Sequence[int], similarities: tuple[float, ...], first: Places
) -> DuplicateGroup:
    if len({rows.sha256[place] for place in places}) == 1:
        kind = SAME_BYTES
    elif len({int(first[place]) for place in places}) == 1:
        kind = SAME_FEATURES
    else:
        kind = NEAR
    return DuplicateGroup(
        tuple(rows.ids[place] for place in places),
        tuple(rows.splits[place] for place in places),
        tuple(rows.labels[place] for place in places),
        similarities,
        kind,
    )


def units_of(rows: AuditedRows, first: Places, whole: Places, near: Nearness) -> Places:
    """Numbers of images, int64 (n,), equal for duplicates and for images of one group.

    Args:
        rows: the images.
        first: as `duplicate_groups` takes it.
        whole: likewise.
        near: likewise.
    """
    joined = _linked(rows, first, whole, near)
    by_group: dict[str, int] = {}
    everyone = range(len(rows.ids))
    of_group = [
        place if name is None else by_group.setdefault(name, place)
        for place, name in zip(everyone, rows.groups, strict=True)
    ]
    return components(len(joined), joined, joined[np.array(of_group, np.int64)])[joined]
