"""The pooling head is Keras's own layers, on features that are pooled in the table or not."""

import keras
import numpy as np
import pytest

from classifiers.data.training_set import HeldSet
from classifiers.heads.softmax import SoftmaxHead

HEAD = SoftmaxHead(learning_rate=0.1, epochs=3, batch_size=16)


def spots(classes: int, rows: int) -> HeldSet:
    """Features (4, 3, 5) an image whose channels' means tell the class."""
    random = np.random.default_rng(1)
    targets = np.arange(rows) % classes
    centres = np.random.default_rng(2).normal(0, 0.5, (classes, 5))
    features = centres[targets][:, None, None, :] + random.normal(0, 1, (rows, 4, 3, 5))
    return HeldSet(features.astype(np.float32).reshape(rows, -1), targets, (4, 3, 5))


@pytest.mark.acceptance
@pytest.mark.parametrize(("classes", "weight"), [(2, None), (3, {0: 1.0, 1: 3.0, 2: 0.5})])
def test_it_is_plain_keras(classes, weight):
    train = spots(classes, 100)
    fitted, history = HEAD.fit(train, train, classes, weight, seed=3)
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((4, 3, 5)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    falling = keras.optimizers.schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.01)
    model.compile(keras.optimizers.SGD(falling, momentum=0.9), "sparse_categorical_crossentropy")
    features = train.features.reshape(-1, 4, 3, 5)
    options = {"batch_size": 16, "class_weight": weight, "shuffle": False, "verbose": 0}
    losses = []
    for epoch in range(3):
        order = np.random.default_rng([3, epoch]).permutation(100)
        fitting = model.fit(features[order], train.targets[order], **options)
        losses += fitting.history["loss"]
    np.testing.assert_allclose([row["loss"] for row in history], losses, rtol=1e-4)
    judged = fitted.judge(train.features)
    np.testing.assert_allclose(judged.probabilities, model.predict(features, verbose=0), atol=1e-5)
    assert judged.probabilities.shape == (100, classes)
    assert (judged.predicted == train.targets).mean() > 0.6


def test_features_that_the_table_has_pooled_give_the_same():
    train = spots(3, 60)
    pooled = HeldSet(train.features.reshape(60, 12, 5).mean(axis=1), train.targets)
    one, other = (
        HEAD.fit(part, None, 3, None, seed=0)[0].judge(part.features).scores
        for part in (train, pooled)
    )
    np.testing.assert_allclose(one, other, atol=1e-5)
