"""The books of a run: every input must end in exactly one place."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.errors import CommitRefusedError
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
    return Counter((ref.split, ref.label) for ref in refs)


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
