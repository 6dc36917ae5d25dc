"""The dense head's quicker step changes its results by rounding only."""

import keras
import numpy as np
import pytest

from classifiers.heads import network
from classifiers.heads.dense import DenseHead
from tests.classifiers.heads.test_heads import blobs

HEAD = DenseHead(units=16, epochs=4, learning_rate=0.003)


def plain_fit(train, validation, classes: int, weight, seed: int):
    """The same model by Keras alone, as it was before there was a quicker step."""
    keras.utils.set_random_seed(seed)
    two = classes == 2
    layers = [
        keras.Input((train.length,)),
        keras.layers.Dense(HEAD.units, activation="relu"),
        keras.layers.Dropout(HEAD.dropout),
        keras.layers.Dense(1 if two else classes, activation="sigmoid" if two else "softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=HEAD.learning_rate),
        loss="binary_crossentropy" if two else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = []
    for epoch in range(HEAD.epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(train.targets))
        fitted = model.fit(
            train.features[order],
            train.targets[order],
            batch_size=HEAD.batch_size,
            validation_data=(validation.features, validation.targets),
            class_weight=weight,
            shuffle=False,
            verbose=0,
        )
        history.append({name: values[0] for name, values in fitted.history.items()})
    return model, history


@pytest.mark.parametrize(
    ("classes", "weight"),
    [
        pytest.param(2, None, marks=pytest.mark.acceptance),
        (3, {0: 1.0, 1: 3.0, 2: 0.5}),
    ],
)
def test_losses_and_weights_are_those_of_plain_keras(classes, weight, monkeypatch, tmp_path):
    monkeypatch.setattr(network, "STEPS_AT_ONCE", 4)  # of seven, and the last batch is not full
    train, validation = blobs(classes, 130, 1), blobs(classes, 50, 2)
    fitted, history = HEAD.fit(train, validation, classes, weight, seed=3)
    model, expected = plain_fit(train, validation, classes, weight, seed=3)
    for row, wanted in zip(history, expected, strict=True):
        for name, value in wanted.items():
            np.testing.assert_allclose(row[name], value, rtol=1e-5)
    for ours, plain in zip(fitted._network.weights, model.weights, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-3, atol=1e-6)

    fitted.save(tmp_path)
    saved = keras.models.load_model(tmp_path / "model.keras")
    assert type(saved.optimizer) is keras.optimizers.RMSprop
    assert int(saved.optimizer.iterations) == HEAD.epochs * 7
    for ours, plain in zip(saved.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-3, atol=1e-9)


def test_other_backends_take_keras_s_own_step(monkeypatch):
    def refuse(*_args):
        raise AssertionError("only TensorFlow has that kernel")

    monkeypatch.setattr(network, "fuse_rmsprop", refuse)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    train = blobs(2, 60, 1)
    fitted, history = HEAD.fit(train, None, 2, None, seed=0)
    assert len(history) == HEAD.epochs
    assert fitted.judge(train.features).predicted.shape == (60,)
