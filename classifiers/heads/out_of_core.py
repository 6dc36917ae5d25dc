"""Scikit-learn's own logistic regression and linear SVM, fitted without holding the features."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from classifiers.data.training_set import StreamedSet
from classifiers.heads.losses import log_loss, squared_hinge
from classifiers.heads.passes import Objective, Solution, minimise
from pipelines.cli import log

STREAMING = ("logistic", "linear_svm")


def fit_out_of_core(
    model: Any,  # noqa: ANN401 - scikit-learn is untyped
    name: str,
    train: StreamedSet,
    classes: int,
    class_weight: Mapping[int, float] | None,
) -> bool:
    """Fit a pipeline of a StandardScaler and a linear classifier to the problem it states.

    What scikit-learn would minimise is minimised in passes over the rows, and the pipeline gets
    what its `fit` would have set, so that it is saved, loaded and used like any other.

    Args:
        model: the pipeline, with its settings; is changed.
        name: "logistic" or "linear_svm".
        train: the rows.
        classes: how many.
        class_weight: by class number; None when all are alike.

    Returns:
        Whether it converged.
    """
    scaler, classifier = (step for _, step in model.steps)
    log("pass 0  mean and variance of each feature")
    for features, _ in train.batches():
        scaler.partial_fit(features)

    weights = np.ones(classes)
    if class_weight is not None:
        weights = np.array([class_weight[k] for k in range(classes)])
    objective = _objective(name, classifier.C, weights, train)
    found = minimise(train, scaler.mean_, scaler.scale_, objective, classifier.max_iter)
    log(
        f"{name}: {found.iterations} iterations of L-BFGS, "
        f"{found.passes + 1} passes over {len(train.targets):,} rows"
    )
    _set_fitted(classifier, found, classes)
    return found.converged


def _objective(name: str, c: float, weights: Any, train: StreamedSet) -> Objective:  # noqa: ANN401
    if name == "logistic":  # scikit-learn divides by the sum of the rows' weights
        total = float(weights[train.targets].sum())
        return Objective(log_loss, weights, total, 1.0 / (c * total), holds_intercept=False)
    total = float(len(train.targets))
    return Objective(squared_hinge, weights, total, 1.0 / (c * total), holds_intercept=True)


def _set_fitted(classifier: Any, found: Solution, classes: int) -> None:  # noqa: ANN401
    classifier.coef_ = found.weights.copy()
    classifier.intercept_ = found.intercepts.copy()
    classifier.classes_ = np.arange(classes)
    classifier.n_features_in_ = found.weights.shape[1]
    classifier.n_iter_ = np.array([found.iterations], np.int32)
