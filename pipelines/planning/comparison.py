"""Holding the inputs against a table's rows: what is new, what changed, what is gone.

A content hash is the authority. Size and times only spare the reading: a row counts as unchanged
without it when the file's place, size and time of change are the row's, and its attributes, whose
time no tool sets back, are older than the run that wrote the row. The rest is read and hashed.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pipelines.images.hashing import ContentHashes
from pipelines.images.picked import among
from pipelines.records import ImageRef, image_of, is_copy, storable
from pipelines.stores.reading import is_size_listed
from pipelines.system.garbage import collector_paused
from pipelines.table.names import is_of_run, run_began, run_of_path
from pipelines.table.rewriting import placement_of
from pipelines.table.stored import StoredImage


@dataclass(frozen=True, slots=True)
class Comparison:
    """Names of inputs and rows, by what became of them since the rows were written.

    Attributes:
        new: inputs without a row.
        same: inputs whose row is right.
        relabelled: inputs whose bytes are the row's, but not label, split or group.
        changed: inputs whose bytes are no longer the row's.
        vanished: rows without an input.
        stray: copies of images of the input that may have none, having left the training split.
        hashed: how many inputs had to be read to tell.
    """

    new: AbstractSet[str]
    same: AbstractSet[str]
    relabelled: frozenset[str]
    changed: frozenset[str]
    vanished: frozenset[str]
    stray: frozenset[str]
    hashed: int


@collector_paused()
def compare(
    inputs: Mapping[str, ImageRef],
    stored: Mapping[str, StoredImage],
    hashes: ContentHashes,
    run: str | None = None,
) -> Comparison:
    """Sort inputs and rows by what became of them.

    Args:
        inputs: the rows wanted, by name.
        stored: the table's rows, by name.
        hashes: for inputs whose stat data leave doubt.
        run: this run's id, None outside of one; a row it wrote is right, whatever became of the
            image since.
    """
    same: set[str] = set()
    relabelled: set[str] = set()
    doubtful: list[ImageRef] = []
    for name, ref in inputs.items():
        row = stored.get(name)
        if row is None:
            continue
        if not is_of_run(row.path, run) and not stat_agrees(ref, row):
            doubtful.append(ref)
        elif placement_of(ref) == placement_of(row):
            same.add(name)
        else:
            relabelled.add(name)
    changed: set[str] = set()
    known = hashes.of(doubtful)
    for ref in doubtful:
        name = ref.name
        row = stored[name]
        if known[ref.uri] != row.sha256:
            changed.add(name)
        elif placement_of(ref) == placement_of(row):
            same.add(name)
        else:
            relabelled.add(name)
    without = stored.keys() - inputs.keys()
    stray = frozenset(name for name in without if is_copy(name) and image_of(name) in inputs)
    return Comparison(
        new=frozenset(inputs.keys() - stored.keys()),
        same=frozenset(same),
        relabelled=frozenset(relabelled),
        changed=frozenset(changed),
        vanished=frozenset(without) - stray,
        stray=stray,
        hashed=len({ref.uri for ref in doubtful}),
    )


def replaced_from_elsewhere(
    changed: Iterable[str], inputs: Mapping[str, ImageRef], stored: Mapping[str, StoredImage]
) -> list[tuple[str, str]]:
    """Of images that changed, those whose row is of a file elsewhere: its place then, and now.

    Two folders with the same names in them look like that, put into one table one after the other.
    """
    refs = among(inputs, sorted(changed))
    places = ((stored[name].uri, storable(ref.uri)) for name, ref in refs.items())
    return [(then, now) for then, now in places if then != now]


def stat_agrees(ref: ImageRef, row: StoredImage) -> bool:
    """Whether an input is a row's image for certain, without reading it."""
    if ref.modified != row.modified or (ref.bytes != row.bytes and is_size_listed(ref)):
        return False
    if ref.uri != row.uri and storable(ref.uri) != row.uri:
        return False
    return 0 < ref.changed < run_began(run_of_path(row.path))
