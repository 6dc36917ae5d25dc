"""Scoring settings on features that stay in the table, in passes over its rows."""

from collections.abc import Callable, Mapping, Sequence

from classifiers.data.memory import MemoryBudget
from classifiers.heads.losses import Floats
from classifiers.searching import networks, stream_passes, stream_paths, voting
from classifiers.searching.data import DividedRows
from classifiers.searching.held import Keep, Task
from classifiers.searching.outcomes import Outcome
from classifiers.searching.room import room_for_passes
from classifiers.searching.settings import LINEAR, NETWORKS
from classifiers.searching.stream_passes import Moments, Slope, Weights
from pipelines.cli import log


def score_streamed(
    rows: DividedRows,
    tasks: Sequence[Task],
    class_weight: Floats,
    budget: MemoryBudget,
    seed: int,
    keep: Keep,
) -> None:
    """Score paths of one pooling.

    Args:
        rows: the rows and their folds, pooled.
        tasks: what to score.
        class_weight: float64 (classes,).
        budget: most memory for features and what is made of them.
        seed: of networks.
        keep: takes what is finished.

    Raises:
        TableError: the features cannot be read, or are of no use.
        UsageError: the budget is too small even for this.
    """
    from threadpoolctl import threadpool_limits

    room = room_for_passes(rows, len(class_weight), budget)
    # The threads that decode also multiply; BLAS's own would only get in their way.
    with threadpool_limits(1, user_api="blas"):
        _score_linear(rows, tasks, class_weight, room, keep)
        for task in tasks:
            if task.path.head == "knn":
                points = task.path.points
                keep(task, voting.streamed_outcomes(rows, task.place, class_weight, points, room))
    streamed = rows.within(budget)
    for task in tasks:
        if task.path.head in NETWORKS:
            given = (task.place, task.path, class_weight, seed)
            keep(task, [networks.streamed_outcome(streamed, *given)])


def _score_linear(
    rows: DividedRows, tasks: Sequence[Task], class_weight: Floats, room: int, keep: Keep
) -> None:
    linear = [task for task in tasks if task.path.head in LINEAR]
    roles = stream_passes.roles_of(rows)
    # Without a linear head it is the pass that finds features that are of no use.
    kinds = {task.path.scaler == "l2" for task in linear} or {False}
    known = {kind: stream_passes.moments(rows, roles, of_length_one=kind) for kind in kinds}
    passes = 0

    def make_pass(points: Sequence[Weights]) -> list[Slope]:
        nonlocal passes
        passes += 1
        found = stream_passes.slopes(rows, roles, class_weight, points)
        log(f"pass {passes} over {len(rows.targets):,} rows, fits: {len(points)}")
        return found

    columns = stream_paths.columns_of(len(class_weight))
    at_once = room // stream_paths.fit_bytes(columns, rows.parts[0].length)
    for start in range(0, len(linear), at_once):
        some = linear[start : start + at_once]
        stream_paths.follow_all(
            [
                (
                    _fit(rows, task, known, columns),
                    [point["C"] for point in task.path.points[len(task.begun) :]],
                    _keeping(task, keep),
                )
                for task in some
            ],
            make_pass,
        )


def _fit(
    rows: DividedRows, task: Task, known: Mapping[bool, Sequence[Moments]], columns: int
) -> stream_paths.Fit:
    scaler = task.path.scaler
    loss, bend = stream_paths.LOSSES[task.path.head]
    return stream_paths.Fit(
        place=task.place,
        scaler=scaler,
        moments=known[scaler == "l2"][task.place],
        loss=loss,
        bend=bend,
        # LIBLINEAR holds the intercept as the weight of one more feature.
        free_intercept=task.path.head != "linear_svm",
        columns=columns,
        tested=len(rows.folds[task.place].test),
    )


def _keeping(task: Task, keep: Keep) -> Callable[[Outcome], None]:
    found = list(task.begun)

    def take(outcome: Outcome) -> None:
        found.append(outcome)
        keep(task, found)

    return take
