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


@dataclass(frozen=True, slots=True)
class Sorted:
    """The inputs, each ascending by id, by what is to become of them; see `Plan`."""

    new: tuple[ImageRef, ...]
    present: tuple[ImageRef, ...]
    finished: tuple[ImageRef, ...]
    known_failures: tuple[ImageRef, ...]


def sort_inputs(
    refs: Iterable[ImageRef],
    present: frozenset[str],
    finished: frozenset[str],
    failed: frozenset[tuple[str, int, int]],
) -> Sorted:
    """Sort the inputs into done and to do; the order in which they were listed does not matter.

    Args:
        refs: the inputs, ids unique.
        present: ids in the table.
        finished: ids in finished, uncommitted files.
        failed: (id, bytes, modified) of known failures; an image that changed is tried again.
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
    return Sorted(
        new=tuple(kinds["new"]),
        present=tuple(kinds["present"]),
        finished=tuple(kinds["finished"]),
        known_failures=tuple(kinds["failed"]),
    )


def make_plan(inputs: Sorted, shard_rows: int) -> Plan:
    """Cut what is to do into shards of at most `shard_rows` images."""
    return Plan(
        shards=tuple(cut_shards(inputs.new, shard_rows)),
        present=inputs.present,
        finished=inputs.finished,
        known_failures=inputs.known_failures,
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
