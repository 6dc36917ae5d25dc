"""Which epochs a course has, which of them it keeps, and where it goes on: without a network."""

from dataclasses import replace

import numpy as np
import pytest

from classifiers.heads.course import Course, Outcome, require_validation
from pipelines.errors import ModelError, UsageError


class Number:
    """A variable of one number."""

    def __init__(self, value: float) -> None:
        self.value = np.array([value])

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def numpy(self):
        return self.value

    def assign(self, value) -> None:
        self.value = np.array(value)


class Slots:
    def __init__(self) -> None:
        self.variables = [Number(0)]


class Memory:
    """Keeps every state."""

    def __init__(self, state=None) -> None:
        self.first, self.states = state, []

    def load(self):
        return self.first

    def is_due(self) -> bool:
        return True

    def save(self, state) -> None:
        rows = [list(each) for each in state.position.rows]
        self.states.append(replace(state, position=replace(state.position, rows=rows)))


def run(course: Course, *steps: list[float], weight: Number | None = None) -> float:
    """Train one number: each epoch doubles it and adds its place, and its slot counts epochs."""
    weight = weight or Number(1)
    course.begin([weight])
    for losses in steps:
        slots = Slots()
        for epoch in course.epochs(len(losses), slots):
            slots.variables[0].assign(slots.variables[0].value + 1)
            weight.assign(2 * weight.value + epoch + slots.variables[0].value / 8)
            course.add({"epoch": epoch + 1, "val_loss": losses[epoch]})
    return float(weight.value[0])


LOSSES = [[5.0, 3.0, 4.0, 2.0, 2.0, 6.0], [2.5, 1.0, 1.5, 9.0]]


def plain(keep: str, patience: int | None, steps=LOSSES):
    """The same by a loop that anyone can read."""
    weight, best, trained, kept = 1.0, (float("inf"), 1.0, 0), 0, 0
    for losses in steps:
        waited = 0
        for epoch, loss in enumerate(losses):
            weight, trained = 2 * weight + epoch + (epoch + 1) / 8, trained + 1
            waited += 1
            if loss < best[0]:
                best, waited = (loss, weight, trained), 0
            if waited == patience:
                break
        if keep == "best":
            weight = best[1]
    kept = best[2] if keep == "best" else trained
    return weight, kept, trained


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("patience", [None, 1, 2, 3])
def test_what_is_kept_is_what_a_plain_loop_keeps(keep, patience):
    course = Course(keep, patience)
    weight, kept, trained = plain(keep, patience)
    assert run(course, *LOSSES) == weight
    outcome = course.outcome()
    assert (outcome.kept, outcome.epochs, outcome.planned) == (kept, trained, 10)


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("patience", [None, 2])
def test_going_on_from_any_epoch_ends_as_if_nothing_had_happened(keep, patience):
    memory = Memory()
    undisturbed = Course(keep, patience, memory)
    expected = run(undisturbed, *LOSSES)
    assert len(memory.states) == undisturbed.outcome().epochs > 4
    for done, state in enumerate(memory.states, 1):
        course = Course(keep, patience, Memory(state))
        assert run(course, *LOSSES, weight=Number(77)) == expected
        assert course.all_rows == undisturbed.all_rows
        found, wanted = course.outcome(), undisturbed.outcome()
        assert found.resumed_after == done
        assert (found.kept, found.epochs, found.planned, found.stopped) == (
            *(wanted.kept, wanted.epochs, wanted.planned, wanted.stopped),
        )


def test_it_says_why_each_step_ended():
    course = Course("best", 2)
    run(course, [3.0, 4.0, 5.0, 1.0], [2.0])
    assert course.outcome() == Outcome(
        *(4, 4, 5), ("no lower validation loss for 2 epochs", "all epochs done")
    )
    assert Course().outcome() is None


def test_without_validation_the_last_is_kept_and_a_loss_of_no_number_is_never_the_best():
    course = Course()
    course.begin([Number(1)])
    for epoch in course.epochs(2, Slots()):
        course.add({"epoch": epoch + 1, "loss": 1.0})
    assert course.outcome().kept == 2
    memory = Memory()
    course = Course("best", None, memory)
    run(course, [float("nan"), 2.0, float("nan")])
    assert course.outcome().kept == 2
    assert len(memory.states) == 1  # what diverged is nothing to go on from


def test_a_state_of_other_weights_is_refused():
    memory = Memory()
    run(Course("last", None, memory), [1.0, 2.0])
    course = Course("last", None, Memory(memory.states[0]))
    course.begin([Number(1), Number(2)])
    with pytest.raises(ModelError, match="of other weights; delete it"):
        next(course.epochs(2, Slots()))


@pytest.mark.parametrize(
    ("keep", "patience", "option"), [("best", None, "--keep best"), ("last", 3, "--patience")]
)
def test_choosing_needs_a_validation_split(keep, patience, option):
    with pytest.raises(UsageError, match=f"^{option} goes by the validation loss, .* leave it out"):
        require_validation(keep, patience, None)
    require_validation(keep, patience, "validation")
    require_validation("last", None, None)
