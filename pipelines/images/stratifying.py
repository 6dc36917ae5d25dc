"""Splits with some of every class in each, for images of which the input names no split.

What goes together, an image or a group, is a unit. A unit goes where the hash of its name says,
but where a class would have none in a split, one of its units is moved there. What a table holds
already stays where it is: so images that are added change no split of those that were there.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelines.images.splits import TEST, TRAIN, UNDECIDED, VALIDATION, split_of_key
from pipelines.records import ImageRef, labels_of

SPLITS = (TRAIN, VALIDATION, TEST)

LEAST = 3
"""Units that a class must have to be in every split."""


@dataclass(slots=True)
class _Unit:
    """What goes together.

    Attributes:
        name: of the image or group.
        split: where it is.
        movable: whether nothing but its hash put it there.
        labels: of its images.
    """

    name: str
    split: str = UNDECIDED
    movable: bool = False
    labels: set[str] = field(default_factory=set)


def stratify(refs: Sequence[ImageRef], held: Mapping[str, str]) -> list[ImageRef]:
    """Decide the splits that are undecided.

    A class of three units or more is in each split, unless where they are is settled already.

    Args:
        refs: the images, ascending by id.
        held: by id, the split that a table has of an image.
    """
    units: dict[str, _Unit] = {}
    for ref in refs:
        if ref.label is None:
            continue
        unit = units.setdefault(_key(ref), _Unit(ref.group or ref.image_id))
        unit.labels.update(labels_of(ref.label) or (ref.label,))
        settled = ref.split if ref.split != UNDECIDED else held.get(ref.image_id)
        if settled in SPLITS or (settled and ref.split != UNDECIDED):
            unit.split = unit.split or settled
    for unit in units.values():
        if unit.split == UNDECIDED:
            unit.split, unit.movable = split_of_key(unit.name), True
    _fill(list(units.values()))
    return [
        replace(ref, split=units[_key(ref)].split) if ref.split == UNDECIDED else ref
        for ref in refs
    ]


def _key(ref: ImageRef) -> str:
    return ref.image_id if ref.group is None else f"\0{ref.group}"


def _fill(units: Sequence[_Unit]) -> None:
    """Move units into splits in which a class of theirs has none."""
    of_label: defaultdict[str, list[_Unit]] = defaultdict(list)
    for unit in units:
        for label in unit.labels:
            of_label[label].append(unit)
    counts = {label: Counter(unit.split for unit in its) for label, its in of_label.items()}
    for label in sorted(of_label, key=lambda each: (len(of_label[each]), each)):
        if len(of_label[label]) < LEAST:
            continue
        for split in SPLITS:
            if not counts[label][split]:
                free = [u for u in of_label[label] if u.movable and _can_spare(u, counts)]
                if free:
                    _move(min(free, key=lambda u: _rank(u, split, counts[label])), split, counts)


def _can_spare(unit: _Unit, counts: Mapping[str, Counter[str]]) -> bool:
    return all(counts[label][unit.split] > 1 for label in unit.labels)


def _rank(unit: _Unit, split: str, counts: Counter[str]) -> tuple[int, bytes]:
    """From the split that has most of the class, and by chance, but always the same."""
    return -counts[unit.split], hashlib.sha256(f"{split}\0{unit.name}".encode()).digest()


def _move(unit: _Unit, split: str, counts: Mapping[str, Counter[str]]) -> None:
    for label in unit.labels:
        counts[label][unit.split] -= 1
        counts[label][split] += 1
    unit.split, unit.movable = split, False
