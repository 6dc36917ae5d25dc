"""A training's course through its epochs: where it goes on, when it stops, which epoch is kept."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from classifiers.heads.kind import HeadOption
from pipelines.cli import log, positive_number
from pipelines.errors import ModelError, UsageError

Arrays = list[npt.NDArray[Any]]

KEEPS = ("last", "best")

COURSE_OPTIONS = (
    HeadOption(
        "keep", str, "the epoch whose weights are kept; last, or best on validation", choices=KEEPS
    ),
    HeadOption(
        "patience",
        positive_number,
        "end a step after so many epochs in a row without a lower validation loss",
        metavar="N",
    ),
)
"""Of every network that is trained epoch by epoch."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a training is.

    Attributes:
        step: number of the step it is in, from 0; a training of one network has one.
        rows: history of each step up to this one; its lengths are the finished epochs.
        best: number of the best epoch, from 1, counted over all steps; None without validation.
        best_loss: validation loss of that epoch.
        waited: epochs of this step since its last lower validation loss.
        seconds: that the training took up to here.
        cpu_seconds: processor time, likewise.
    """

    step: int = 0
    rows: list[list[dict[str, float]]] = field(default_factory=lambda: [[]])
    best: int | None = None
    best_loss: float | None = None
    waited: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def epochs(self) -> int:
        """Finished epochs of all steps."""
        return sum(map(len, self.rows))


@dataclass(frozen=True, slots=True)
class State:
    """All that a training needs to go on.

    Attributes:
        position: how far it is.
        weights: of what it trains, the state of dropout among them.
        slots: of the optimizer of the current step.
        best: weights of the best epoch; empty if that is not to be kept.
    """

    position: Position
    weights: Arrays
    slots: Arrays
    best: Arrays


class Keeper(Protocol):
    """Keeps the newest state of a training where a later process finds it."""

    def load(self) -> State | None:
        """The state that an earlier process left; None without one that fits."""
        ...

    def is_due(self) -> bool:
        """Whether enough time has passed for another state to be kept."""
        ...

    def save(self, state: State) -> None:
        """Keep a state instead of the one before."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training by epochs ended, for the card.

    Attributes:
        kept: number of the epoch whose weights the model has, from 1, counted over all steps.
        epochs: how many were trained.
        planned: how many it would have been at most.
        stopped: why each step ended.
        resumed_after: finished epochs that an earlier process had left; None if it was not killed.
    """

    kept: int
    epochs: int
    planned: int
    stopped: tuple[str, ...]
    resumed_after: int | None = None


class Course:
    """One training's epochs, in one step or several.

    With `keep` "best", a step ends with the weights of the epoch of least validation loss so far:
    so the next step starts from them, and the model has those of the best epoch of all.
    """

    def __init__(
        self, keep: str = "last", patience: int | None = None, keeper: Keeper | None = None
    ) -> None:
        """A training that has not begun.

        Args:
            keep: "last" or "best".
            patience: epochs without a lower validation loss that end a step; None for no end.
            keeper: of states; None if none is kept.
        """
        self.position = Position()
        self._keep, self._patience, self._keeper = keep, patience, keeper
        self._variables: Sequence[Any] = ()
        self._best: Arrays = []
        self._found: State | None = None
        self._resumed_after: int | None = None
        self._planned, self._stopped = 0, list[str]()
        self._next = 0
        self._clocks = time.monotonic(), time.process_time()
        self._before = 0.0, 0.0

    def begin(self, variables: Sequence[Any]) -> None:
        """Go on from the state that was left, if there is one.

        Args:
            variables: Keras variables, all that any step changes besides optimizers.
        """
        self._variables = variables
        self._found = None if self._keeper is None else self._keeper.load()
        if self._found is not None:
            self.position = self._found.position
            self._best = self._found.best
            self._resumed_after = self.position.epochs
            self._before = self.position.seconds, self.position.cpu_seconds
            log(f"goes on after epoch {self._resumed_after}, which an earlier process had finished")

    def epochs(self, count: int, optimizer: Any) -> Iterator[int]:  # noqa: ANN401 - untyped
        """The epochs of the next step that are still to do, numbered from 0.

        After each, before the next is asked for, its row is to be given to `add`.

        Args:
            count: epochs that the step has at most.
            optimizer: the step's, built.

        Raises:
            ModelError: the state that was left is of other weights.
        """
        step, self._next = self._next, self._next + 1
        self._planned += count
        if step < self.position.step:
            self._stopped.append(self._why(len(self.position.rows[step]), count))
            return
        if step > self.position.step:
            self.position = replace(
                self.position, step=step, rows=[*self.position.rows, []], waited=0
            )
        slots = optimizer.variables
        if self._found is not None:
            _assign(self._variables, self._found.weights)
            _assign(slots, self._found.slots)
            self._found = None
        for epoch in range(len(self.position.rows[step]), count):
            if self._out_of_patience():
                break
            yield epoch
            self._judge()
            self._save(slots)
        self._stopped.append(self._why(len(self.position.rows[step]), count))
        if self._best:
            _assign(self._variables, self._best)

    @property
    def seconds_before(self) -> float:
        """How long the processes before this one trained, up to the state that they left."""
        return self._before[0]

    @property
    def cpu_seconds_before(self) -> float:
        """Processor time, likewise."""
        return self._before[1]

    def add(self, row: Mapping[str, float]) -> None:
        """Take the history's row of the epoch that was just trained."""
        self.position.rows[-1].append(dict(row))

    @property
    def rows(self) -> list[dict[str, float]]:
        """The history of the step that was begun last."""
        return self.position.rows[self._next - 1]

    @property
    def all_rows(self) -> list[dict[str, float]]:
        """The history of all steps."""
        return [row for rows in self.position.rows for row in rows]

    def outcome(self) -> Outcome | None:
        """How it ended; None if nothing was trained by epochs."""
        if not self._next:
            return None
        best = self.position.best if self._keep == "best" else None
        epochs = self.position.epochs
        return Outcome(
            best or epochs, epochs, self._planned, tuple(self._stopped), self._resumed_after
        )

    def _out_of_patience(self) -> bool:
        return self._patience is not None and self.position.waited >= self._patience

    def _why(self, done: int, count: int) -> str:
        return (
            "all epochs done"
            if done == count
            else (f"no lower validation loss for {self._patience} epochs")
        )

    def _judge(self) -> None:
        """Compare the epoch that was just trained with the best one."""
        at, loss = self.position, self.position.rows[-1][-1].get("val_loss")
        if loss is None:
            return
        # No number is below anything, NaN neither.
        if loss < (math.inf if at.best_loss is None else at.best_loss):
            self.position = replace(at, best=at.epochs, best_loss=loss, waited=0)
            if self._keep == "best":
                self._best = _values(self._variables)
        else:
            self.position = replace(at, waited=at.waited + 1)

    def _save(self, slots: Sequence[Any]) -> None:
        row = self.position.rows[-1][-1]
        # A training that diverged ends; there is nothing to go on from.
        if self._keeper is None or not all(map(math.isfinite, row.values())):
            return
        if self._keeper.is_due():
            at = replace(
                self.position,
                seconds=self._before[0] + time.monotonic() - self._clocks[0],
                cpu_seconds=self._before[1] + time.process_time() - self._clocks[1],
            )
            self._keeper.save(State(at, _values(self._variables), _values(slots), self._best))


def require_validation(keep: str, patience: int | None, held_out: str | None) -> None:
    """Refuse to choose by a validation loss where there is none.

    Raises:
        UsageError: there is no validation split, and an option asks for one.
    """
    asked = "--keep best" if keep == "best" else "" if patience is None else "--patience"
    if asked and held_out is None:
        raise UsageError(
            f"{asked} goes by the validation loss, and there is no validation split; name one with "
            "--validation_split, or leave it out"
        )


def _values(variables: Sequence[Any]) -> Arrays:
    return [np.array(each.numpy() if hasattr(each, "numpy") else each) for each in variables]


def _assign(variables: Sequence[Any], values: Arrays) -> None:
    if [tuple(each.shape) for each in variables] != [each.shape for each in values]:
        raise ModelError(
            "the state that an earlier training left is of other weights; delete it, and run the "
            "command again"
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
