"""What a run has to do: the inputs, minus what is already done, cut into shards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from pipelines.records import ImageRef, Shard

SHARD_BYTES = 32 * 2**20
"""Raw features a shard holds when `--shard_size` does not say: 1,024 rows of VGG16 at 150 x 150."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The work of one run.

    Attributes:
        shards: what is to be extracted.
        present: inputs that the table already holds.
        finished: inputs that finished but uncommitted files hold.
        known_failures: inputs that failed before for a lasting reason and have not changed since.
    """

    shards: tuple[Shard, ...]
    present: tuple[ImageRef, ...]
    finished: tuple[ImageRef, ...]
    known_failures: tuple[ImageRef, ...]

    @property
    def attempted(self) -> int:
        """Images to extract."""
        return sum(len(shard.refs) for shard in self.shards)


def make_plan(
    refs: Iterable[ImageRef],
    present: frozenset[str],
    finished: frozenset[str],
    failed: frozenset[tuple[str, int, int]],
    shard_rows: int,
) -> Plan:
    """Sort the inputs into done and to do, and cut what is to do into shards.

    The plan hangs on the inputs alone, not on the order in which they were listed.

    Args:
        refs: the inputs, ids unique.
        present: ids in the table.
        finished: ids in finished, uncommitted files.
        failed: (id, bytes, modified) of known failures; an image that changed is tried again.
        shard_rows: most images of a shard.
    """
    kinds: dict[str, list[ImageRef]] = {"present": [], "finished": [], "failed": [], "new": []}
    for ref in sorted(refs, key=attrgetter("image_id")):
        if ref.image_id in present:
            kinds["present"].append(ref)
        elif ref.image_id in finished:
            kinds["finished"].append(ref)
        elif (ref.image_id, ref.bytes, ref.modified) in failed:
            kinds["failed"].append(ref)
        else:
            kinds["new"].append(ref)
    return Plan(
        shards=tuple(cut_shards(kinds["new"], shard_rows)),
        present=tuple(kinds["present"]),
        finished=tuple(kinds["finished"]),
        known_failures=tuple(kinds["failed"]),
    )


def cut_shards(refs: Sequence[ImageRef], shard_rows: int) -> list[Shard]:
    """Cut images, ascending by id, into shards of one split and at most `shard_rows` images."""
    shards: list[Shard] = []
    by_split = sorted(refs, key=attrgetter("split", "image_id"))
    for split, group in groupby(by_split, key=attrgetter("split")):
        members = list(group)
        for start in range(0, len(members), shard_rows):
            name = f"{len(shards):06d}"
            shards.append(Shard(name, split, tuple(members[start : start + shard_rows])))
    return shards


def rows_per_shard(feature_length: int, batch_size: int) -> int:
    """Rows whose raw float32 features fill `SHARD_BYTES`, in whole batches, at least one batch."""
    return max(1, SHARD_BYTES // (4 * feature_length * batch_size)) * batch_size
