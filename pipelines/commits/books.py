"""The books of a run: every input must end in exactly one place."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.errors import CommitRefusedError
from pipelines.images.picked import Picked
from pipelines.planning.comparison import Comparison
from pipelines.records import ImageRef

Tally = Counter[tuple[str, str | None]]
"""Images of each (split, label)."""


@dataclass(frozen=True, slots=True)
class Books:
    """Where the inputs of a run ended, counted per split and label.

    Attributes:
        inputs: all of them.
        present: already in the table.
        written: their rows are in finished files.
        known_failures: not tried again.
        new_failures: tried, and could not be used.
        waiting: of parts of the run that are still to come.
    """

    inputs: Tally
    present: Tally
    written: Tally
    known_failures: Tally
    new_failures: Tally
    waiting: Tally

    def totals(self) -> dict[str, int]:
        """Images by where they ended, over all splits and labels."""
        return {
            "inputs": self.inputs.total(),
            "present": self.present.total(),
            "written": self.written.total(),
            "known_failures": self.known_failures.total(),
            "new_failures": self.new_failures.total(),
            "waiting": self.waiting.total(),
        }


def tally(refs: Iterable[ImageRef]) -> Tally:
    """Count images per (split, label)."""
    if isinstance(refs, Picked):
        return _tally_columns(refs)
    return Counter((ref.split, ref.label) for ref in refs)


def _tally_columns(refs: Picked) -> Tally:
    splits, labels = refs.inventory.splits, refs.inventory.labels
    many = max(1, len(labels.values))
    pairs = splits.codes[refs.places].astype(np.int64) * many + labels.codes[refs.places]
    counts: Tally = Counter()
    for pair, count in zip(*np.unique(pairs, return_counts=True), strict=True):
        split, label = divmod(int(pair), many)
        counts[splits.values[split] or "", labels.values[label]] = int(count)
    return counts


def reconcile(books: Books) -> None:
    """Check inputs = written + already there + known failures + new failures + still to come.

    Raises:
        CommitRefusedError: they differ for a split and label; the message says where.
    """
    ended = books.present + books.written + books.known_failures + books.new_failures
    accounted = ended + books.waiting
    if accounted == books.inputs:
        return
    off = sorted(
        (str(split), str(label), books.inputs[key], accounted[key])
        for key in books.inputs.keys() | accounted.keys()
        for split, label in [key]
        if books.inputs[key] != accounted[key]
    )
    split, label, wanted, found = off[0]
    raise CommitRefusedError(
        f"{wanted} images of {split}/{label} went in and {found} are accounted for "
        f"({len(off)} split and label pairs differ); nothing was committed, "
        "run the same command again"
    )


def counts_of(
    books: Books, compared: Comparison, rows: Container[str], prune: bool, copies: int
) -> dict[str, int]:
    """Rows by where they ended at one commit: the books' totals and some more.

    Of the inputs, `copies`; of those present, `relabelled`; of those written, `replaced`; rows that
    `vanished` from the input, and of those `pruned`; `stray` copies, which were removed; files that
    were `hashed` because their stat data left doubt.
    """
    return {
        **books.totals(),
        "copies": copies,
        "relabelled": len(compared.relabelled),
        "replaced": sum(name in rows for name in compared.changed),
        "vanished": len(compared.vanished),
        "stray": len(compared.stray),
        "pruned": len(compared.vanished) if prune else 0,
        "hashed": compared.hashed,
    }


def counts_of_run(commits: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The same for a whole run, from the counts of its commits in their order; at least one.

    What one commit wrote is present at the next one. Failures add up by themselves: each commit
    counts all of the run's.
    """
    first, last = commits[0], commits[-1]
    sums = {
        name: sum(counts[name] for counts in commits)
        for name in ("written", "relabelled", "replaced", "pruned", "stray")
    }
    earlier = sums["written"] - last["written"]
    seen_once = {name: first[name] for name in ("vanished", "hashed")}
    return {**last, **sums, **seen_once, "present": last["present"] - earlier}
