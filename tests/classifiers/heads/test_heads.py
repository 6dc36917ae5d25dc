import keras
import numpy as np
import pytest
from scipy.special import logit
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from classifiers.data.training_set import HeldSet
from classifiers.heads.dense import DenseHead
from classifiers.heads.network import FittedNetwork
from classifiers.heads.scikit import RBF_ROWS, FittedScikit, ScikitHead
from pipelines.errors import ModelError, UsageError


def blobs(classes: int, rows: int, seed: int) -> HeldSet:
    """Overlapping clouds of points, one a class."""
    random = np.random.default_rng(seed)
    targets = np.arange(rows) % classes
    centres = np.random.default_rng(99).normal(0, 1.5, (classes, 12))
    features = (centres[targets] + random.normal(0, 1, (rows, 12))).astype(np.float32)
    return HeldSet(features, targets)


def by_hand(name: str, c: float, seed: int) -> object:
    return {
        "logistic": LogisticRegression(C=c, max_iter=1000, random_state=seed),
        "linear_svm": LinearSVC(C=c, random_state=seed),
        "ridge": RidgeClassifier(alpha=1 / c),
        "rbf_svm": SVC(C=c, break_ties=True),
    }[name]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", ["logistic", "linear_svm", "ridge", "rbf_svm"])
def test_a_scikit_head_is_standardisation_and_the_model(name, classes, tmp_path):
    train, test = blobs(classes, 90, 1), blobs(classes, 50, 2)
    fitted, history = ScikitHead(name, 0.1).fit(train, None, classes, None, seed=0)
    assert history == []
    scaler = StandardScaler().fit(train.features)
    model = by_hand(name, 0.1, 0).fit(scaler.transform(train.features), train.targets)
    scaled = scaler.transform(test.features)
    judged = fitted.judge(test.features)
    np.testing.assert_array_equal(judged.predicted, model.predict(scaled))
    if name == "logistic":
        np.testing.assert_allclose(judged.probabilities, model.predict_proba(scaled), rtol=1e-5)
        np.testing.assert_allclose(judged.log_odds, logit(model.predict_proba(scaled)), rtol=1e-4)
    else:
        assert judged.probabilities is None
    scores = judged.scores[:, 1] if classes == 2 else judged.scores
    np.testing.assert_allclose(scores, model.decision_function(scaled), rtol=1e-5)

    fitted.save(tmp_path)
    again = FittedScikit.load(tmp_path).judge(test.features)
    np.testing.assert_array_equal(again.scores, judged.scores)


@pytest.mark.parametrize("name", ["logistic", "linear_svm", "rbf_svm"])
@pytest.mark.parametrize("scaler", ["l2", "none"])
def test_a_scaler_is_part_of_the_model(name, scaler, tmp_path):
    train, test = blobs(3, 90, 1), blobs(3, 50, 2)
    head = ScikitHead(name, 0.1, scaler)
    assert head.settings() == {"name": name, "C": 0.1, "standardised": False, "scaler": scaler}
    assert not head.streams
    fitted, _ = head.fit(train, None, 3, None, seed=0)
    scaled = [
        each / np.linalg.norm(each, axis=1, keepdims=True) if scaler == "l2" else each
        for each in (train.features, test.features)
    ]
    model = by_hand(name, 0.1, 0).fit(scaled[0], train.targets)
    fitted.save(tmp_path)
    again = FittedScikit.load(tmp_path)
    assert again.length == train.length
    scores = again.judge(test.features).scores
    np.testing.assert_allclose(scores, model.decision_function(scaled[1]), rtol=1e-3, atol=1e-4)


def test_a_kernel_svm_s_highest_score_is_what_it_predicts():
    random = np.random.default_rng(5)
    train = HeldSet(random.normal(size=(300, 4)).astype(np.float32), np.arange(300) % 30)
    fitted, _ = ScikitHead("rbf_svm", 1.0).fit(train, None, 30, None, seed=0)
    features = random.normal(size=(500, 4)).astype(np.float32)
    judged = fitted.judge(features)
    np.testing.assert_array_equal(judged.predicted, judged.scores.argmax(axis=1))
    np.testing.assert_array_equal(judged.predicted, fitted._pipeline.predict(features))
    # What a vote alone decides, ties and all, is something else for some of them.
    alone = SVC(C=1.0).fit(StandardScaler().fit_transform(train.features), train.targets)
    votes = alone.predict(StandardScaler().fit(train.features).transform(features))
    assert 0 < (votes != judged.predicted).sum() < 50


def test_a_file_with_strange_types_is_not_loaded(tmp_path):
    from skops import io

    io.dump({"a": by_hand}, tmp_path / "model.skops")
    with pytest.raises(ModelError, match=r"types that are not trusted: .*; train it again"):
        FittedScikit.load(tmp_path)


def test_class_weights_shift_a_scikit_head():
    train = blobs(2, 200, 1)
    plain, _ = ScikitHead("logistic", 0.01).fit(train, None, 2, None, seed=0)
    leaning, _ = ScikitHead("logistic", 0.01).fit(train, None, 2, {0: 1.0, 1: 50.0}, seed=0)
    test = blobs(2, 200, 3).features
    assert leaning.judge(test).predicted.sum() > plain.judge(test).predicted.sum()


def test_an_rbf_svm_refuses_a_table_too_large_for_it():
    ScikitHead("rbf_svm", 1.0).check(RBF_ROWS)
    with pytest.raises(UsageError, match="use --head linear_svm or logistic"):
        ScikitHead("rbf_svm", 1.0).check(RBF_ROWS + 1)
    ScikitHead("linear_svm", 1.0).check(RBF_ROWS * 1000)


@pytest.mark.parametrize("classes", [2, pytest.param(3, marks=pytest.mark.acceptance)])
def test_the_dense_head_is_the_book_s(classes, tmp_path):
    head = DenseHead(units=16, epochs=40, learning_rate=0.01)
    train, validation = blobs(classes, 120, 1), blobs(classes, 60, 2)
    fitted, history = head.fit(train, validation, classes, None, seed=0)
    model = fitted._network
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dropout", "Dense"]
    assert model.layers[-1].activation.__name__ == ("sigmoid" if classes == 2 else "softmax")
    assert isinstance(model.optimizer, keras.optimizers.RMSprop)
    assert model.optimizer.learning_rate.numpy() == np.float32(0.01)
    assert model.layers[1].rate == 0.5
    assert len(history) == 40
    assert set(history[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
    judged = fitted.judge(validation.features)
    np.testing.assert_allclose(judged.probabilities.sum(axis=1), 1.0, rtol=1e-6)
    accuracy = (judged.predicted == validation.targets).mean()
    assert accuracy == pytest.approx(history[-1]["val_accuracy"], abs=1e-6)
    assert accuracy > 0.8

    fitted.save(tmp_path)
    again = FittedNetwork.load(tmp_path).judge(validation.features)
    np.testing.assert_allclose(again.probabilities, judged.probabilities, rtol=1e-6)


@pytest.mark.acceptance
def test_the_seed_decides_the_dense_head():
    train = blobs(2, 60, 1)
    head = DenseHead(units=8, epochs=2)
    results = [
        head.fit(train, None, 2, None, seed)[0].judge(train.features).scores for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 1e-3


def test_a_keras_file_with_code_in_it_is_not_loaded(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"[Ll]ambda"):
        FittedNetwork.load(tmp_path)
