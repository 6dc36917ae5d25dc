"""The search against scikit-learn's `GridSearchCV`: the same arrays, folds and values of C.

`python -m benchmarks.grid_search [--table T] [--tolerance T]` prints the processor seconds of both,
on one core, their ratio, and by how much scores differ. Without a table features are made up:
sparse and correlated like those of a base, 2,000 x 8,192 float32, of two classes that overlap.
Scikit-learn's own tolerance leaves its fits short of the minimum, and an image at the border on the
other side of it.
"""

import argparse
import time
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from classifiers.data.dataset import load
from classifiers.data.folds import Fold
from classifiers.searching.fold_paths import outcomes, prepare

ROWS, LENGTH, RANK = 2000, 8192, 300

HEADS = ("logistic", "linear_svm")


def classifier(head: str, tolerance: float) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    """Scikit-learn's own."""
    if head == "logistic":
        return LogisticRegression(max_iter=10_000, tol=tolerance)
    return LinearSVC(max_iter=10_000, tol=tolerance, random_state=0)


def made_up() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Features (ROWS, LENGTH) and targets (ROWS,)."""
    random = np.random.default_rng(0)
    targets = np.arange(ROWS) % 2
    hidden = random.normal(0, 1, (ROWS, RANK)) / np.sqrt(np.arange(1, RANK + 1))
    hidden[:, 5:25] += 0.12 * (2 * targets[:, None] - 1)
    features = hidden @ random.normal(0, 1, (RANK, LENGTH)) + random.normal(0, 0.5, (ROWS, LENGTH))
    return np.maximum(features - 1.0, 0.0).astype(np.float32), targets


def stored(table: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Features and targets of a table's split to train on, which has two classes."""
    found = load(table, "train")
    return found.features, (found.labels == max(found.labels)).astype(np.int64)


def main(table: str | None, values: int, folds: int, tolerance: float) -> None:
    """Measure and print."""
    features, targets = made_up() if table is None else stored(table)
    strengths = [float(c) for c in np.geomspace(1e-7, 1.0, values)]
    cut = list(StratifiedKFold(folds, shuffle=True, random_state=0).split(features, targets))

    started = time.process_time()
    ours: dict[str, list[list[float]]] = {head: [] for head in HEADS}
    spent = dict.fromkeys(HEADS, 0.0)
    for train, test in cut:
        fold = prepare(features, targets, Fold(train, test), "standardise", np.ones(2))
        for head in HEADS:
            begun = time.process_time()
            found = outcomes(head, fold, strengths)
            ours[head].append([each.accuracy for each in found])
            spent[head] += time.process_time() - begun
    own = time.process_time() - started
    heads = ", ".join(f"{head} {seconds:.1f}" for head, seconds in spent.items())
    print(f"search  {own:.1f} s, of which {heads}", flush=True)

    total = 0.0
    for head in HEADS:
        model = make_pipeline(StandardScaler(), classifier(head, tolerance))
        grid = {f"{model.steps[-1][0]}__C": strengths}
        theirs: Any = GridSearchCV(model, grid, cv=cut, refit=False)
        started = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            theirs.fit(features, targets)
        took = time.process_time() - started
        total += took
        scores = [theirs.cv_results_[f"split{k}_test_score"] for k in range(folds)]
        apart = np.abs(np.array(scores) - ours[head])
        print(
            f"GridSearchCV  {head}  {took:.1f} s, scores from {np.min(scores):.3f} to "
            f"{np.max(scores):.3f}; {(apart > 1e-6).sum()} of {apart.size} differ, the most by "
            f"{apart.max():.6f}",
            flush=True,
        )
    print(f"ratio {own / total:.3f}")


if __name__ == "__main__":
    with threadpool_limits(1):
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--table", help="with a split train of two classes")
        parser.add_argument("--values", type=int, default=20, help="of C")
        parser.add_argument("--folds", type=int, default=5)
        parser.add_argument("--tolerance", type=float, default=1e-4, help="scikit-learn's")
        given = parser.parse_args()
        main(given.table, given.values, given.folds, given.tolerance)
