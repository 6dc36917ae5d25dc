"""What a training on stored features is asked for."""

from dataclasses import dataclass

from classifiers.data.memory import MemoryBudget
from classifiers.heads.head import Head
from classifiers.models.decision_options import NOTHING, Wanted
from classifiers.models.targets import Target
from classifiers.models.training_state import CHECKPOINT_SECONDS


@dataclass(frozen=True, slots=True)
class TrainJob:
    """One training.

    Attributes:
        table: the table's location.
        table_version: version to train on; None for the newest.
        head: kind of head and its settings.
        model: where the model goes.
        train_split: split to train on.
        validation_split: split to validate on; None for what is called so, if there is one.
        copies: augmented copies of an image to train on at most; None for all that there are.
        wanted: what is to be fitted on the split validated on.
        besides: a second split to train on.
        also: tables whose features follow those of `table`, image by image.
        pooling: of the stored maps, one of `POOLINGS`.
        checkpoint_every: seconds between two states that a killed training can go on from; None to
            keep none, nor go on from one.
        class_weight: "none", "balanced" or "CLASS=WEIGHT,...".
        seed: of every random choice.
        budget: most memory for features; what does not fit is streamed from the table.
    """

    table: str
    table_version: int | None
    head: Head
    model: Target
    train_split: str
    validation_split: str | None
    class_weight: str
    seed: int
    budget: MemoryBudget
    copies: int | None = None
    wanted: Wanted = NOTHING
    besides: str | None = None
    checkpoint_every: float | None = CHECKPOINT_SECONDS
    also: tuple[str, ...] = ()
    pooling: str = "none"

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The splits that it is trained on."""
        return (self.train_split, *([] if self.besides is None else [self.besides]))
