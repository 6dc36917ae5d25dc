"""The work of several tables as one: an image that more of them want is read for all of them."""

from collections.abc import Sequence
from operator import attrgetter

from pipelines.planning.cutting import cut_work
from pipelines.records import ImageRef, Shard


def share_work(
    lacking: Sequence[Sequence[ImageRef]], shard_rows: int, part_images: int | None
) -> list[tuple[Shard, ...]]:
    """Cut what tables lack into parts and shards; all rows of a shard are wanted by its tables.

    Args:
        lacking: of each table, ascending by id and copy.
        shard_rows: most images of a shard.
        part_images: most images of a part; None for one part.
    """
    if len(lacking) == 1:
        return cut_work(lacking[0], shard_rows, part_images)
    refs: dict[str, ImageRef] = {}
    tables: dict[str, tuple[int, ...]] = {}
    for table, rows in enumerate(lacking):
        for ref in rows:
            refs.setdefault(ref.name, ref)
            tables[ref.name] = (*tables.get(ref.name, ()), table)
    ordered = sorted(refs.values(), key=attrgetter("image_id", "copy"))
    return cut_work(ordered, shard_rows, part_images, lambda ref: tables[ref.name])
