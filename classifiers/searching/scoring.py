"""All settings on all folds: what is left to do, and telling of what is done."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from classifiers.data.memory import MemoryBudget
from classifiers.heads.losses import Floats
from classifiers.searching.data import DividedRows
from classifiers.searching.findings import Finding, finding
from classifiers.searching.held import Task, score_held
from classifiers.searching.kept import Kept
from classifiers.searching.outcomes import Outcome
from classifiers.searching.settings import SettingsPath, Space
from classifiers.searching.streamed import score_streamed
from pipelines.cli import log


def score(
    rows: DividedRows,
    space: Space,
    class_weight: Floats,
    kept: Kept,
    budget: MemoryBudget,
    seed: int,
) -> list[Finding]:
    """Score all settings; what is kept already is not done again.

    Args:
        rows: the rows and their folds.
        space: the settings.
        class_weight: float64 (classes,).
        kept: what is finished, and takes what is finished now.
        budget: most memory for features; what needs more is done in passes over the rows.
        seed: of networks.

    Raises:
        TableError: the features cannot be read, or are of no use.
        UsageError: the budget is too small even for passes.
    """
    paths = space.paths()
    left = [
        Task(path, place, tuple(begun))
        for place in range(len(rows.folds))
        for path in paths
        if len(begun := kept.get(path, place)) < len(path.points)
    ]
    progress = _Progress(kept, len(left))
    for pooling in dict.fromkeys(task.path.pooling for task in left):
        tasks = [task for task in left if task.path.pooling == pooling]
        pooled = rows.pooled(pooling)
        workers = pooled.workers(budget, {task.path.head for task in tasks})
        if workers:
            score_held(pooled, tasks, class_weight, workers, seed, progress.keep)
        else:
            score_streamed(pooled, tasks, class_weight, budget, seed, progress.keep)
    return [each for path in paths for each in _findings(kept, rows, path)]


@dataclass
class _Progress:
    """Keeps each path that is finished, and tells of it in a line.

    Attributes:
        kept: where paths are kept.
        total: paths to be done.
        done: paths that are.
    """

    kept: Kept
    total: int
    done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, task: Task, found: Sequence[Outcome]) -> None:
        """Keep a path's outcomes on a fold; they may be of its first settings alone."""
        if len(found) < len(task.path.points):
            with self._lock:
                self.kept.put(task.path, task.place, found)
            return
        places = range(len(found))
        best = max(places, key=lambda place: (found[place].accuracy, -place))
        values = ", ".join(f"{name} {x:g}" for name, x in task.path.points[best].items())
        with self._lock:
            self.kept.put(task.path, task.place, found)
            self.done += 1
            log(
                f"path {self.done} of {self.total}  {task.path}, fold {task.place + 1}  best "
                f"accuracy {found[best].accuracy:.4f} at {values}"
            )


def _findings(kept: Kept, rows: DividedRows, path: SettingsPath) -> list[Finding]:
    by_fold = [kept.get(path, place) for place in range(len(rows.folds))]
    return [
        finding(
            setting,
            [each.accuracy for each in outcomes],
            all(each.converged for each in outcomes),
            rows.scored,
        )
        for setting, *outcomes in zip(path.settings(), *by_fold, strict=True)
    ]
