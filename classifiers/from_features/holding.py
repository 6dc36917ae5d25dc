"""Whether features are held in memory for a training, or streamed from the table."""

from dataclasses import dataclass, replace

from classifiers.data.memory import MemoryBudget, show_size
from classifiers.data.side_by_side import ALONE, Beside
from classifiers.data.training_set import StreamedSet, TrainingSet, hold
from classifiers.heads.head import Head
from classifiers.heads.several.head import SeveralHead
from pipelines.errors import UsageError

STREAMING = "--head linear_svm or logistic, standardised"
"""Those whose classes are told apart by a stream, as the message says where another cannot."""

Held = Head | SeveralHead


@dataclass(frozen=True, slots=True)
class Holding:
    """What was chosen, and why.

    Attributes:
        sets: by "train" and, where there is one, "validation".
        streams: whether any of them is streamed.
        reason: for the user.
    """

    sets: dict[str, TrainingSet]
    streams: bool
    reason: str


def choose_holding(
    head: Held,
    train: StreamedSet,
    validation: StreamedSet | None,
    budget: MemoryBudget,
    streaming: str = STREAMING,
    beside: Beside = ALONE,
) -> Holding:
    """Hold all features if the head can be fitted to them within the budget, else stream them.

    Args:
        head: the head.
        train: the rows to train on.
        validation: those to validate on; None for none.
        budget: most memory.
        streaming: which head to use instead of one that cannot be trained on a stream.
        beside: tables whose features follow those of the rows' own, which cannot be streamed.

    Raises:
        UsageError: they do not fit, and this head cannot be trained on a stream.
    """
    parts = {"train": train} | ({} if validation is None else {"validation": validation})
    sizes = {
        name: part.feature_bytes + beside.bytes(len(part.targets)) for name, part in parts.items()
    }
    needed = head.memory(sizes["train"], sizes.get("validation", 0))
    within = f"{show_size(budget.size)} ({budget.reason})"
    facts = (
        f"{len(train.targets):,} rows to train on, {show_size(sum(sizes.values()))} of features, "
        f"of which {head.name} makes {show_size(needed)} in memory"
    )
    if needed <= budget.size:
        read = beside.hold if beside.tables else hold
        held = {name: read(part) for name, part in parts.items()}
        return Holding({**held}, False, f"held in memory: {facts}; {within} are allowed")
    if beside.tables:
        raise UsageError(
            f"features of several tables have to be held: {facts}, and {within} are allowed; raise "
            "--memory"
        )
    if not head.streams:
        raise UsageError(
            f"{head.name} has to hold all features: {facts}, and {within} are allowed; raise "
            f"--memory, or use {streaming}, which streams"
        )
    streamed = {name: replace(part, budget=budget) for name, part in parts.items()}
    reason = f"streamed from the table: {facts}; only {within} are allowed"
    return Holding({**streamed}, True, reason)
