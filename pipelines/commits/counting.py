"""How a run's images are counted when it is told: by where they ended, over all its commits."""

from collections.abc import Container, Mapping, Sequence

from pipelines.commits.books import Books
from pipelines.planning.comparison import Comparison


def counts_of(
    books: Books, compared: Comparison, rows: Container[str], prune: bool, copies: int
) -> dict[str, int]:
    """Rows by where they ended at one commit: the books' totals and some more.

    Of the inputs, `copies`; of those present, `relabelled`; of those written, `replaced`; rows that
    `vanished` from the input, and of those `pruned`; `stray` copies, which were removed; files that
    were `hashed` because their signs left doubt.
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
