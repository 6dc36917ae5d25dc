"""A network judges from its logits, however it ends, and its file stays what it was."""

import numpy as np
import pytest

from classifiers.data.training_set import HeldSet
from classifiers.heads.network import FittedNetwork
from classifiers.models.evaluation import measure
from pipelines.errors import ModelError
from pipelines.system.keras_backend import load_keras


def networks():
    keras = load_keras()
    layers = keras.layers
    small = [layers.Dense(4, "relu"), layers.Dense(3, "softmax")]
    inputs = keras.Input((5,))
    nested = keras.Model(inputs, keras.Sequential(small)(layers.Dense(5)(inputs)))
    again = keras.Input((5,))
    return {
        "sigmoid": [layers.Dense(1, "sigmoid")],
        "softmax": small,
        "a layer of softmax": [layers.Dense(3), layers.Softmax()],
        "a layer of activation": [layers.Dense(3), layers.Activation("softmax")],
        "a network in a network": [keras.Model(again, nested(layers.Dense(5)(again)))],
    }


@pytest.mark.parametrize("name", networks())
def test_probabilities_are_the_network_s(name, tmp_path):
    network = load_keras().Sequential([load_keras().Input((5,)), *networks()[name]])
    features = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    wanted = network.predict_on_batch(features)
    if name == "sigmoid":
        wanted = np.hstack([1 - wanted, wanted])
    head = FittedNetwork(network)
    np.testing.assert_allclose(head.judge(features).probabilities, wanted, atol=1e-6)
    head.save(tmp_path)
    again = FittedNetwork.load(tmp_path)
    np.testing.assert_allclose(again.judge(features).probabilities, wanted, atol=1e-6)
    assert len(again._network.weights) == len(network.weights)


def test_a_network_that_ends_in_logits_gives_them():
    keras = load_keras()
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    network.set_weights([np.eye(2), np.array([0.0, 1.0])])
    judged = FittedNetwork(network).judge(np.array([[3.0, 0.0]], np.float32))
    np.testing.assert_allclose(judged.log_odds, [[2.0, -2.0]])


def test_measures_are_not_those_of_saturated_probabilities():
    keras = load_keras()
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "sigmoid")])
    network.set_weights([np.ones((1, 1)), np.zeros(1)])
    features = np.array([[18.0], [20.0], [-18.0], [-20.0]], np.float32)
    part = HeldSet(features, np.array([0, 1, 1, 0]))
    measured = measure(FittedNetwork(network), part.batches(), ("no", "yes"))
    assert measured.roc_auc == 0.75
    assert measured.log_loss == pytest.approx(9.0)
    assert measured.log_loss == pytest.approx(
        float(
            keras.losses.BinaryCrossentropy(from_logits=True)(
                part.targets[:, None].astype(np.float32), features
            )
        ),
        rel=1e-6,
    )


def test_a_network_of_several_outputs_is_refused():
    keras = load_keras()
    inputs = keras.Input((5,))
    both = keras.Model(inputs, [keras.layers.Dense(2)(inputs), keras.layers.Dense(2)(inputs)])
    with pytest.raises(ModelError, match="one row of class scores"):
        FittedNetwork(both).judge(np.zeros((1, 5), np.float32))
