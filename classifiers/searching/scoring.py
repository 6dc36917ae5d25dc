"""All settings on all folds: what is left to do, and telling of what is done."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from classifiers.heads.losses import Floats
from classifiers.searching.data import DividedRows
from classifiers.searching.findings import Finding, finding
from classifiers.searching.held import Task, score_held
from classifiers.searching.kept import Kept
from classifiers.searching.outcomes import Outcome
from classifiers.searching.settings import SettingsPath, Space
from pipelines.cli import log


def score(
    rows: DividedRows, space: Space, class_weight: Floats, kept: Kept, workers: int, seed: int
) -> list[Finding]:
    """Score all settings; what is kept already is not done again.

    Args:
        rows: the rows and their folds.
        space: the settings.
        class_weight: float64 (classes,).
        kept: what is finished, and takes what is finished now.
        workers: folds worked on at once.
        seed: of networks.

    Raises:
        TableError: the features cannot be read, or are of no use.
    """
    paths = space.paths()
    left = [
        Task(path, place)
        for place in range(len(rows.folds))
        for path in paths
        if kept.get(path, place) is None
    ]
    progress = _Progress(kept, len(left))
    for pooling in dict.fromkeys(task.path.pooling for task in left):
        tasks = [task for task in left if task.path.pooling == pooling]
        score_held(rows, tasks, class_weight, workers, seed, progress.keep)
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
        """Keep a path's outcomes on a fold."""
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
    by_fold = [kept.get(path, place) or [] for place in range(len(rows.folds))]
    return [
        finding(
            setting,
            [each.accuracy for each in outcomes],
            all(each.converged for each in outcomes),
            rows.scored,
        )
        for setting, *outcomes in zip(path.settings(), *by_fold, strict=True)
    ]
