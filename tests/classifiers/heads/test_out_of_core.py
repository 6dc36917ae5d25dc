"""Linear heads fitted in passes: scikit-learn's own solutions, without holding the features."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import hold, labelled_rows
from classifiers.heads.scikit import FittedScikit, ScikitHead
from tests.classifiers.tables import write_table

NAMES = ("ant", "bee", "cat")


@pytest.fixture(scope="module", params=[2, 3])
def streamed(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("linear") / "features"
    table = write_table(folder, {"train": 18}, NAMES[: request.param])
    return labelled_rows(find_rows(table, "train"), NAMES[: request.param], "train")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["logistic", "linear_svm"])
def test_the_coefficients_are_scikit_learn_s(streamed, name, weighted, tmp_path, capsys):
    classes = int(streamed.targets.max()) + 1
    weight = {0: 1.0, 1: 4.0, 2: 0.25} if weighted else None
    if weight is not None:
        weight = {k: w for k, w in weight.items() if k < classes}
    fitted, history = ScikitHead(name, 0.01).fit(streamed, None, classes, weight, seed=0)
    assert history == []
    assert "passes over 288 rows" in capsys.readouterr().err

    held = hold(streamed)
    scaler = StandardScaler().fit(held.features)
    tight = {"C": 0.01, "class_weight": weight, "tol": 1e-9, "max_iter": 100_000}
    model = (LogisticRegression if name == "logistic" else LinearSVC)(**tight)
    model.fit(scaler.transform(held.features.astype(np.float64)), held.targets)

    ours = fitted._pipeline
    np.testing.assert_allclose(ours[0].mean_, scaler.mean_, rtol=1e-6)
    np.testing.assert_allclose(ours[0].scale_, scaler.scale_, rtol=1e-6)
    assert ours[0].n_samples_seen_ == 288
    found, expected = (np.column_stack([each.coef_, each.intercept_]) for each in (ours[1], model))
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())
    np.testing.assert_array_equal(ours[1].classes_, model.classes_)

    judged = fitted.judge(held.features)
    assert (judged.predicted == ours.predict(held.features)).all()
    assert 0.7 < (judged.predicted == held.targets).mean() < 1.0
    fitted.save(tmp_path)
    again = FittedScikit.load(tmp_path).judge(held.features)
    np.testing.assert_array_equal(again.scores, judged.scores)


def test_a_feature_that_never_changes(streamed):
    """Its variance is 0; scikit-learn leaves it at that and so do the passes."""
    scaler = StandardScaler()
    for features, _ in streamed.batches():
        features = features.copy()
        features[:, 3] = 5.0
        scaler.partial_fit(features)
    assert scaler.scale_[3] == 1.0


def test_a_search_that_was_cut_short_says_so(streamed, monkeypatch, capsys):
    monkeypatch.setattr("classifiers.heads.scikit.ITERATIONS", 2)
    classes = int(streamed.targets.max()) + 1
    ScikitHead("logistic", 1.0).fit(streamed, None, classes, None, seed=0)
    assert "logistic stopped before it converged" in capsys.readouterr().err
