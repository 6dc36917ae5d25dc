"""Scoring settings on features in memory, on as many cores as pay."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.heads.losses import Floats
from classifiers.searching import fold_paths, networks, voting
from classifiers.searching.data import DividedRows
from classifiers.searching.outcomes import Outcome
from classifiers.searching.settings import LINEAR, NETWORKS, SettingsPath

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Task:
    """A path of settings that is to be scored on a fold.

    Attributes:
        path: the settings.
        place: of the fold, from 0.
        begun: outcomes of its first settings that an earlier process left.
    """

    path: SettingsPath
    place: int
    begun: tuple[Outcome, ...] = ()


Keep = Callable[[Task, Sequence[Outcome]], None]
"""Takes what became of a task, or of its first settings."""


def score_held(
    rows: DividedRows,
    tasks: Sequence[Task],
    class_weight: Floats,
    workers: int,
    seed: int,
    keep: Keep,
) -> None:
    """Score paths of one pooling.

    Args:
        rows: the rows and their folds, pooled.
        tasks: what to score.
        class_weight: float64 (classes,).
        workers: folds worked on at once.
        seed: of networks.
        keep: takes what is finished.

    Raises:
        TableError: the features cannot be read, or are of no use.
    """
    from threadpoolctl import threadpool_limits

    features = rows.read()
    shared: dict[tuple[int, str], list[Task]] = {}
    for task in tasks:
        if task.path.head not in NETWORKS:
            shared.setdefault((task.place, task.path.scaler), []).append(task)

    def work(alike: list[Task]) -> None:
        _score_alike(rows, features, alike, class_weight, keep)

    # A core a fold is faster than all cores on each fold in turn.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as threads:
        for _ in threads.map(work, shared.values()):
            pass
    # Networks take all cores themselves, and one seed is for all of Keras.
    for task in tasks:
        if task.path.head in NETWORKS:
            given = (task.place, task.path, class_weight, seed)
            keep(task, [networks.outcome(rows, features, *given)])


def _score_alike(
    rows: DividedRows,
    features: Features,
    tasks: Sequence[Task],
    class_weight: Floats,
    keep: Keep,
) -> None:
    """Score the paths of a fold and a scaler, the linear ones of which share its scaling."""
    fold = rows.folds[tasks[0].place]
    linear = [task for task in tasks if task.path.head in LINEAR]
    if linear:
        scaler = linear[0].path.scaler
        scaled = fold_paths.prepare(features, rows.targets, fold, scaler, class_weight)
        for task in linear:
            strengths = [point["C"] for point in task.path.points]
            keep(task, fold_paths.outcomes(task.path.head, scaled, strengths))
        del scaled
    for task in tasks:
        if task.path.head not in LINEAR:
            points = task.path.points
            keep(task, voting.outcomes(features, rows.targets, fold, class_weight, points))
