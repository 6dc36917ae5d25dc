"""What a run has to do: the inputs, minus what is already done, cut into parts and shards."""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from operator import attrgetter

from pipelines.images.inventory import Inventory
from pipelines.images.picked import Picked
from pipelines.planning.column_cutting import any_in_order, deal, in_reading_order, kinds_of
from pipelines.records import Failure, ImageRef, Shard
from pipelines.stores.members import place_of

DRAWN_TOGETHER = 256
"""Rows of a file that come to one part: a part is a sample of many of them, and reads few twice."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of one run.

    Attributes:
        parts: what is to be extracted: the shards of each part, which is committed when they are
            written; without `--commit_every` there is one part.
        present: inputs that the table already holds.
        finished: inputs that finished but uncommitted files hold.
        known_failures: inputs that failed before for a lasting reason and have not changed since.
        unusable: why the inputs that are to be extracted cannot be, if that holds for all of them;
            there are no parts then.
    """

    parts: tuple[tuple[Shard, ...], ...]
    present: Sequence[ImageRef]
    finished: Sequence[ImageRef]
    known_failures: Sequence[ImageRef]
    unusable: tuple[Failure, ...] = ()

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The shards of all parts."""
        return tuple(shard for part in self.parts for shard in part)

    @property
    def attempted(self) -> int:
        """Images and copies to extract, or to try to."""
        return sum(len(shard.refs) for shard in self.shards) + len(self.unusable)

    def images(self) -> int:
        """Images attempted, or finished by an earlier run, however many copies of each."""
        tried = (failure.ref for failure in self.unusable)
        refs = itertools.chain(self.finished, tried, *(shard.refs for shard in self.shards))
        return len({ref.image_id for ref in refs})


@dataclass(frozen=True, slots=True)
class Sorted:
    """The inputs, each ascending by id and copy, by what is to become of them; see `Plan`."""

    new: Sequence[ImageRef]
    present: Sequence[ImageRef]
    finished: Sequence[ImageRef]
    known_failures: Sequence[ImageRef]


def sort_inputs(
    refs: Mapping[str, ImageRef] | Iterable[ImageRef],
    present: AbstractSet[str],
    finished: AbstractSet[str],
    failed: AbstractSet[tuple[str, int, int]],
) -> Sorted:
    """Sort the inputs into done and to do; the order in which they were listed does not matter.

    Args:
        refs: the inputs, names unique, the copies of an image ascending; or by name.
        present: names in the table.
        finished: names in finished, uncommitted files.
        failed: (id, bytes, modified) of known failures; an image that changed is tried again.
    """
    if isinstance(refs, Inventory):
        return Sorted(*kinds_of(refs, present, finished, failed))
    refs = refs.values() if isinstance(refs, Mapping) else refs
    kinds: dict[str, list[ImageRef]] = {"present": [], "finished": [], "failed": [], "new": []}
    for ref in sorted(refs, key=attrgetter("image_id")):
        name = ref.name
        if name in present:
            kinds["present"].append(ref)
        elif name in finished:
            kinds["finished"].append(ref)
        elif (ref.image_id, ref.bytes, ref.modified) in failed:
            kinds["failed"].append(ref)
        else:
            kinds["new"].append(ref)
    return Sorted(
        new=tuple(kinds["new"]),
        present=tuple(kinds["present"]),
        finished=tuple(kinds["finished"]),
        known_failures=tuple(kinds["failed"]),
    )


def make_plan(inputs: Sorted, shard_rows: int, part_images: int | None = None) -> Plan:
    """Cut what is to do into shards of at most `shard_rows` images.

    Args:
        inputs: by what is to become of them.
        shard_rows: most images of a shard.
        part_images: most images of a part; None for one part.
    """
    return plan_of(inputs, cut_work(inputs.new, shard_rows, part_images))


def plan_of(inputs: Sorted, parts: Sequence[tuple[Shard, ...]]) -> Plan:
    """The plan of a table whose work is cut."""
    return Plan(
        parts=tuple(parts),
        present=inputs.present,
        finished=inputs.finished,
        known_failures=inputs.known_failures,
    )


def cut_work(
    refs: Sequence[ImageRef],
    shard_rows: int,
    part_images: int | None,
    tables_of: Callable[[ImageRef], tuple[int, ...]] | None = None,
) -> list[tuple[Shard, ...]]:
    """Cut rows, ascending by id and copy, into parts, and each part into shards.

    Args:
        refs: what one table lacks, or more.
        shard_rows: most images of a shard.
        part_images: most images of a part; None for one part.
        tables_of: the tables that want a row; rows of a shard are wanted by the same. The one
            table of the run when None.
    """
    parts: list[tuple[Shard, ...]] = []
    count = 0
    for part in cut_parts(refs, part_images):
        wanted = {(0,): part} if tables_of is None else _by_tables(part, tables_of)
        shards: list[Shard] = []
        for tables, rows in wanted.items():
            shards += cut_shards(rows, shard_rows, count + len(shards), tables)
        count += len(shards)
        parts.append(tuple(shards))
    return parts


def _by_tables(
    refs: Iterable[ImageRef], tables_of: Callable[[ImageRef], tuple[int, ...]]
) -> dict[tuple[int, ...], list[ImageRef]]:
    wanted: dict[tuple[int, ...], list[ImageRef]] = {}
    for ref in refs:
        wanted.setdefault(tables_of(ref), []).append(ref)
    return wanted


def cut_parts(refs: Sequence[ImageRef], part_images: int | None) -> Sequence[Sequence[ImageRef]]:
    """Deal images into parts of at most `part_images`, nearly equal, each ascending by id.

    Which part an image comes to is as good as random, so that a table of some parts is a fair
    sample of the whole: all splits and labels, not those that come first in the alphabet. The
    copies of an image come to one part.

    Args:
        refs: the images and copies, ascending by id.
        part_images: most images of a part; None for one part.

    Returns:
        The parts; none of them empty, none when there are no images.
    """
    if not refs:
        return []
    if part_images is None or len(refs) <= part_images:
        return [refs]
    if isinstance(refs, Picked) and not any_in_order(refs):
        return deal(refs, -(-len(refs) // part_images))
    images = [list(rows) for _, rows in itertools.groupby(refs, attrgetter("image_id"))]
    count = -(-len(images) // part_images)
    if count == 1:
        return [refs]
    dealt = sorted(range(len(images)), key=lambda place: _draw(images[place][0]))
    parts = [dealt[first::count] for first in range(count)]
    if place_of(refs[0].uri) is not None:  # neighbours in a file come to one part
        ends = itertools.accumulate(map(len, parts))
        parts = [dealt[end - len(part) : end] for part, end in zip(parts, ends, strict=True)]
    return [[ref for place in sorted(part) for ref in images[place]] for part in parts]


def rows_of_part(refs: Sequence[ImageRef], part_images: int | None) -> int:
    """Rows of a part as `cut_parts` deals them, about: copies are spread unevenly over images."""
    if part_images is None or not refs:
        return len(refs)
    if isinstance(refs, Picked):
        return -(-len(refs) // -(-len(refs) // part_images))
    images = sum(1 for _ in itertools.groupby(refs, attrgetter("image_id")))
    return -(-len(refs) // -(-images // part_images))


def _draw(ref: ImageRef) -> tuple[bytes, int]:
    # Not the hash that chooses splits, or parts would hold one split after the other.
    file, start = place_of(ref.uri) or (None, 0)
    if file is None:
        drawn, place = ref.image_id, 0
    else:  # rows of a column that lie together are unpacked together
        run, place = divmod(start, DRAWN_TOGETHER)
        drawn = f"{file} {run}"
    return hashlib.sha256(b"part " + drawn.encode(errors="surrogateescape")).digest(), place


def _reading_place(ref: ImageRef) -> tuple[str, int]:
    return place_of(ref.uri) or (ref.image_id, 0)


def cut_shards(
    refs: Sequence[ImageRef],
    shard_rows: int,
    numbered_from: int = 0,
    tables: tuple[int, ...] = (0,),
) -> list[Shard]:
    """Cut rows, ascending by id and copy, into shards of one split, in the order of reading.

    Files are read in the order of their ids, and what lies in one file in the order it has there.
    A shard has at most `shard_rows` rows, unless one image has more: its copies stay with it, as
    they are made of one decoding.
    """
    shards: list[Shard] = []
    if isinstance(refs, Picked):
        for split, group in in_reading_order(refs):
            for start in range(0, len(group), shard_rows):
                name = f"{numbered_from + len(shards):06d}"
                shards.append(Shard(name, split, group[start : start + shard_rows], tables))
        return shards
    by_split = sorted(refs, key=lambda ref: (ref.split, *_reading_place(ref)))
    for split, rows in itertools.groupby(by_split, key=attrgetter("split")):
        for members in _fill(rows, shard_rows):
            name = f"{numbered_from + len(shards):06d}"
            shards.append(Shard(name, split, tuple(members), tables))
    return shards


def _fill(refs: Iterable[ImageRef], most: int) -> Iterator[list[ImageRef]]:
    filled: list[ImageRef] = []
    for _, group in itertools.groupby(refs, key=attrgetter("image_id")):
        image = list(group)
        if filled and len(filled) + len(image) > most:
            yield filled
            filled = []
        filled += image
    if filled:
        yield filled
