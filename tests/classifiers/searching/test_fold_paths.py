"""The paths of C give what scikit-learn's own grid search gives on the same folds."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from classifiers.data.folds import Fold
from classifiers.searching import newton
from classifiers.searching.fold_paths import outcomes, prepare


@pytest.fixture(autouse=True)
def _one_thread():
    with threadpool_limits(1):
        yield


STRENGTHS = (1e-5, 1e-3, 0.1, 10.0)
# Both searches end at the minimum, so that no image is taken for another class by its tolerance.
CLASSIFIERS = {
    "logistic": lambda weight: LogisticRegression(
        class_weight=weight, solver="newton-cholesky", tol=1e-8, max_iter=500
    ),
    "linear_svm": lambda weight: LinearSVC(
        class_weight=weight, tol=1e-6, max_iter=100_000, random_state=0
    ),
    "ridge": lambda weight: RidgeClassifier(class_weight=weight),
}
SCALERS = {"standardise": StandardScaler, "l2": Normalizer}


def images(rows, length, classes):
    """Features on which all values of C make mistakes; correlated, and of different scales."""
    random = np.random.default_rng(rows + classes)
    targets = np.arange(rows) % classes
    mixing = random.normal(0, 1, (12, length)) * np.linspace(0.1, 3, length)
    hidden = random.normal(0, 1, (rows, 12))
    hidden[:, :classes] += 1.2 * np.eye(classes)[targets]
    return (hidden @ mixing + random.normal(0, 0.5, (rows, length)) + 1).astype(np.float32), targets


@pytest.mark.parametrize("head", CLASSIFIERS)
@pytest.mark.parametrize(
    ("rows", "length", "classes", "scaler", "weight"),
    [
        (60, 90, 2, "standardise", None),
        (60, 90, 2, "l2", {0: 1.0, 1: 3.0}),
        (60, 90, 3, "standardise", {0: 1.0, 1: 0.5, 2: 2.0}),
        (90, 20, 2, "standardise", {0: 1.0, 1: 3.0}),
        (90, 20, 3, "none", None),
    ],
)
def test_scores_are_those_of_a_grid_search(head, rows, length, classes, scaler, weight):
    features, targets = images(rows, length, classes)
    cutter = StratifiedKFold(3, shuffle=True, random_state=5)
    folds = list(cutter.split(features, targets))
    steps = [SCALERS[scaler]()] if scaler in SCALERS else []
    model = make_pipeline(*steps, CLASSIFIERS[head](weight))
    option, values = ("alpha", [1 / c for c in STRENGTHS]) if head == "ridge" else ("C", STRENGTHS)
    grid = {f"{model.steps[-1][0]}__{option}": values}
    theirs = GridSearchCV(model, grid, cv=folds, refit=False)
    theirs.fit(features.astype(np.float64), targets)
    weights = np.array([1.0 if weight is None else weight[k] for k in range(classes)])
    assert len(np.unique(theirs.cv_results_["mean_test_score"])) > 1
    for number, (train, test) in enumerate(folds):
        fold = prepare(features, targets, Fold(train, test), scaler, weights)
        found = outcomes(head, fold, STRENGTHS)
        assert all(each.converged for each in found)
        expected = theirs.cv_results_[f"split{number}_test_score"]
        np.testing.assert_allclose([each.accuracy for each in found], expected, atol=1e-6)


@pytest.mark.parametrize("curve", [newton.logistic, newton.squared_hinge])
def test_newton_finds_the_weights_of_a_plain_minimisation(curve):
    from scipy.optimize import minimize

    features, targets = images(40, 60, 2)
    rows, signs = features.astype(float), np.where(targets == 1, 1.0, -1.0)
    weights = np.where(targets == 1, 2.0, 1.0)
    strengths = (1e-4, 1e-2)
    gram = rows @ rows.T
    problem = newton.Problem(gram, gram.astype(np.float32), signs, weights, curve, True)
    for c, point in zip(strengths, newton.path(problem, strengths), strict=True):

        def objective(at, c=c):
            found = curve(signs * (rows @ at[:-1] + at[-1]))
            slope = c * weights * signs * found.slope
            value = 0.5 * at[:-1] @ at[:-1] + c * weights @ found.value
            return value, np.append(at[:-1] + rows.T @ slope, slope.sum())

        options = {"gtol": 1e-8, "ftol": 0, "maxiter": 10_000, "maxfun": 100_000}
        plain = minimize(objective, np.zeros(61), jac=True, method="L-BFGS-B", options=options)
        assert point.converged
        ours = np.append(rows.T @ point.sums, point.intercept)
        np.testing.assert_allclose(ours, plain.x, atol=1e-5 * np.abs(plain.x).max())


@pytest.mark.parametrize("head", CLASSIFIERS)
def test_features_too_large_to_compute_with_are_no_crash(head):
    features, targets = images(60, 90, 2)
    train, test = np.arange(40), np.arange(40, 60)
    fold = prepare(features * np.float32(1e12), targets, Fold(train, test), "none", np.ones(2))
    found = outcomes(head, fold, [1e-30, 100.0])
    assert [0.0 <= each.accuracy <= 1.0 for each in found] == [True, True]


def test_a_path_that_cannot_converge_says_so(monkeypatch):
    features, targets = images(60, 90, 2)
    monkeypatch.setattr(newton, "STEPS", 1)
    fold = prepare(features, targets, Fold(np.arange(40), np.arange(40, 60)), "none", np.ones(2))
    assert not outcomes("logistic", fold, [10.0])[0].converged
