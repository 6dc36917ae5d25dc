"""All settings on all folds: what is left to do, on as many cores as pay."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from classifiers.heads.losses import Floats
from classifiers.searching.data import DividedRows
from classifiers.searching.findings import Finding, finding
from classifiers.searching.fold_paths import Outcome, outcomes, prepare
from classifiers.searching.kept import Kept
from classifiers.searching.settings import Setting, Space
from pipelines.cli import log


def score(
    rows: DividedRows, space: Space, class_weight: Floats, kept: Kept, workers: int
) -> list[Finding]:
    """Score all settings; what is kept already is not done again.

    Args:
        rows: the rows and their folds.
        space: the settings.
        class_weight: float64 (classes,).
        kept: what is finished, and takes what is finished now.
        workers: folds worked on at once.

    Raises:
        TableError: the features cannot be read, or are of no use.
    """
    from threadpoolctl import threadpool_limits

    places = range(len(rows.folds))
    wanted = {(s, k): _missing(kept, space, s, k) for s in space.scalers for k in places}
    left = {each: heads for each, heads in wanted.items() if heads}
    if left:
        features = rows.read()
        progress = _Progress(space, kept, sum(map(len, left.values())))

        def work(each: tuple[str, int]) -> None:
            scaler, place = each
            fold = prepare(features, rows.targets, rows.folds[place], scaler, class_weight)
            for head in left[each]:
                progress.keep(head, scaler, place, outcomes(head, fold, space.strengths))

        # A core a fold is faster than all cores on each fold in turn.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as threads:
            for _ in threads.map(work, left):
                pass
    return [_finding(kept, rows, space, setting) for setting in space.settings()]


@dataclass
class _Progress:
    """Keeps each path that is finished, and tells of it in a line.

    Attributes:
        space: the settings.
        kept: where paths are kept.
        total: paths to be done.
        done: paths that are.
    """

    space: Space
    kept: Kept
    total: int
    done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, head: str, scaler: str, place: int, found: Sequence[Outcome]) -> None:
        """Keep a path."""
        pairs = zip(found, self.space.strengths, strict=True)
        best, c = max(pairs, key=lambda pair: (pair[0].accuracy, -pair[1]))
        with self._lock:
            self.kept.put(head, scaler, place, found)
            self.done += 1
            log(
                f"path {self.done} of {self.total}  {head}, {scaler}, fold {place + 1}  best "
                f"accuracy {best.accuracy:.4f} at C {c:g}"
            )


def _missing(kept: Kept, space: Space, scaler: str, place: int) -> list[str]:
    count = len(space.strengths)
    return [head for head in space.heads if kept.get(head, scaler, place, count) is None]


def _finding(kept: Kept, rows: DividedRows, space: Space, setting: Setting) -> Finding:
    number, count = space.strengths.index(setting.c), len(space.strengths)
    paths = [kept.get(setting.head, setting.scaler, k, count) for k in range(len(rows.folds))]
    found = [path[number] for path in paths if path is not None]
    converged = all(each.converged for each in found)
    return finding(setting, [each.accuracy for each in found], converged, rows.scored)
