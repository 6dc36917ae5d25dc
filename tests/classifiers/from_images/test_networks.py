"""The networks are the book's, and train as plain Keras trains them."""

import numpy as np
import pytest

import classifiers
from classifiers.from_images.convnet import AUGMENTED_CONVNET, Convnet
from classifiers.from_images.fitting import fit
from classifiers.from_images.image_set import EpochPlan
from classifiers.from_images.on_base import DenseOnBase, FineTune, count_tensors
from classifiers.heads.unfreezing import unfreeze
from pipelines.bases import WeightsRequest
from pipelines.errors import ModelError, UsageError

RANDOM = WeightsRequest("random", seed=1)


def test_the_convnet_of_the_book():
    from keras import layers

    for way, classes, parameters in (
        (Convnet(), 2, 3_453_121),
        (AUGMENTED_CONVNET, 2, 3_453_121),
        (Convnet(dropout=0.5), 2, 3_453_121),
        (Convnet(), 3, 3_453_121 + 2 * 513),
    ):
        network = way.build(150, classes)
        assert network.model.count_params() == parameters
        assert count_tensors(network) == {"all": 12}
    assert (Convnet().epochs, Convnet().batch_size) == (30, 20)
    assert (AUGMENTED_CONVNET.epochs, AUGMENTED_CONVNET.batch_size) == (100, 32)
    network = Convnet(dropout=0.5).build(150, 2)
    (dropout,) = [each for each in network.model.layers if isinstance(each, layers.Dropout)]
    assert dropout.rate == 0.5


def test_the_convnet_computes_what_its_layers_say():
    import keras
    from keras import layers

    plain = keras.Sequential([keras.Input((50, 50, 3))])
    for filters in (32, 64, 128, 128):
        plain.add(layers.Conv2D(filters, (3, 3), activation="relu"))
        plain.add(layers.MaxPooling2D((2, 2)))
    for layer in (
        layers.Flatten(),
        layers.Dense(512, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ):
        plain.add(layer)
    model = Convnet().build(50, 2).model
    plain.set_weights(model.get_weights())
    pixels = np.random.default_rng(0).integers(0, 256, (3, 50, 50, 3)).astype(np.float32)
    expected = plain.predict_on_batch(pixels / 255)
    assert len(np.unique(expected)) == 3
    np.testing.assert_allclose(model.predict_on_batch(pixels), expected, rtol=1e-5)


def test_weight_tensors_are_counted_as_the_book_prints_them():
    way = FineTune(weights=RANDOM)
    network = way.build(32, 2)
    assert network.tensors == 4
    assert count_tensors(network) == {"whole": 30, "frozen": 4}
    assert network.tensors == 4
    unfreeze(network.base.model, way.unfreeze)
    assert network.tensors == 10


def features_of(table, ids):
    samples = classifiers.load(str(table), split="train")
    place = {image_id: number for number, image_id in enumerate(samples.ids)}
    return samples.features[[place[image_id] for image_id in ids]]


@pytest.mark.acceptance
def test_on_a_frozen_base_the_head_is_that_of_stored_features(table, image_sets):
    import keras

    train = image_sets["train"]
    way = DenseOnBase(weights=RANDOM, units=16, learning_rate=1e-3, epochs=2)
    plan = EpochPlan(way.batch_size, 9, None)
    keras.utils.set_random_seed(4)
    network = way.build(32, 2)
    plain = keras.Sequential(
        [
            keras.Input((512,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    start = [each.numpy() for each in network.model.trainable_weights]
    plain.set_weights(start)
    frozen = [each.tobytes() for each in network.base.model.get_weights()]

    history = fit(way, network, train, None, plan, {0: 1.0, 1: 3.0})

    plain.compile(keras.optimizers.RMSprop(1e-3), "binary_crossentropy", metrics=["accuracy"])
    features = features_of(table, train.ids)
    losses = []
    for epoch in (1, 2):
        order = np.random.default_rng([9, epoch]).permutation(48)
        for places in (order[:20], order[20:40], order[40:]):
            weights = np.where(train.targets[places] == 1, 3.0, 1.0)
            loss, _ = plain.train_on_batch(features[places], train.targets[places], weights)
            losses.append(loss)
    learnt = [each.numpy() for each in network.model.trainable_weights]
    for found, wanted, before in zip(learnt, plain.get_weights(), start, strict=True):
        assert np.abs(wanted - before).max() > 1e-3
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert [row["loss"] for row in history] == pytest.approx(
        [np.average(losses[:3], weights=[20, 20, 8]), np.average(losses[3:], weights=[20, 20, 8])],
        rel=1e-4,
    )
    assert [row["trainable"] for row in history] == [4, 4]
    assert [each.tobytes() for each in network.base.model.get_weights()] == frozen


@pytest.mark.acceptance
def test_fine_tuning_trains_the_end_of_the_base_alone(image_sets):
    import keras

    train, validation = image_sets["train"], image_sets["validation"]
    way = FineTune(
        weights=RANDOM,
        preprocessing="rescale",
        units=16,
        batch_size=24,
        head_epochs=1,
        head_learning_rate=1e-3,
        epochs=1,
        learning_rate=1e-4,
        unfreeze="block5_conv2",
    )
    plan = EpochPlan(way.batch_size, 9, None)
    network = way.build(32, 2)
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    base.set_weights(network.base.model.get_weights())
    start = [each.copy() for each in base.get_weights()]
    head = keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    plain = keras.Sequential([keras.Input((32, 32, 3)), base, head])
    head.set_weights([each.numpy() for each in network.model.trainable_weights])

    history = fit(way, network, train, validation, plan, None)

    for epoch, rate in ((1, 1e-3), (2, 1e-4)):
        for layer in base.layers:
            layer.trainable = epoch == 2 and layer.name in ("block5_conv2", "block5_conv3")
        plain.compile(keras.optimizers.RMSprop(rate), "binary_crossentropy", metrics=["accuracy"])
        order = np.random.default_rng([9, epoch]).permutation(48)
        for places in (order[:24], order[24:]):
            plain.train_on_batch(train.pixels[places] / np.float32(255), train.targets[places])
        pixels = validation.pixels / np.float32(255)
        loss, _ = plain.test_on_batch(pixels, validation.targets)
        assert history[epoch - 1]["val_loss"] == pytest.approx(loss, rel=1e-3)

    learnt = network.base.model.get_weights()
    for found, before in zip(learnt[:-4], start[:-4], strict=True):
        assert found.tobytes() == before.tobytes()
    for found, wanted, before in zip(learnt[-4:], base.get_weights()[-4:], start[-4:], strict=True):
        assert np.abs(wanted - before).max() > 1e-5
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert [row["trainable"] for row in history] == [4, 8]


@pytest.mark.acceptance
def test_batch_normalisation_stays_as_it_is_in_training(image_sets):
    way = FineTune(base="MobileNetV2", weights=RANDOM, units=8, unfreeze="Conv_1")
    network = way.build(32, 2)
    base, pixels = network.base.model, image_sets["validation"].pixels.astype(np.float32)
    before, judged = base.get_weights(), network.model(pixels).numpy()
    unfreeze(base, way.unfreeze)
    assert [each.path for each in base.trainable_weights] == ["Conv_1/kernel"]
    np.testing.assert_allclose(network.model(pixels, training=True), judged, rtol=1e-5)
    for found, wanted in zip(base.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_what_cannot_be_built_is_refused():
    with pytest.raises(UsageError, match="at least 46 pixels, not --image_size 45"):
        Convnet().build(45, 2)
    assert Convnet().build(46, 2).model.output_shape == (None, 1)
    with pytest.raises(UsageError, match="VGG16 takes images of at least 32 pixels"):
        DenseOnBase(weights=RANDOM).build(31, 2)
    with pytest.raises(UsageError, match=r"block9: no such layer to train; .* block5_conv3"):
        FineTune(weights=RANDOM, unfreeze="block9").build(32, 2)
    with pytest.raises(UsageError, match="no layer from block5_pool on has weights to train"):
        FineTune(weights=RANDOM, unfreeze="block5_pool").build(32, 2)


def test_a_training_that_diverges_says_so(image_sets):
    way = DenseOnBase(weights=RANDOM, units=4, learning_rate=3e38, epochs=3)
    network = way.build(32, 2)
    with pytest.raises(ModelError, match=r"diverged: .* lower the learning rate, which is 3e\+38"):
        fit(way, network, image_sets["validation"], None, EpochPlan(20, 0, None), None)


def test_a_base_that_scales_pixels_itself_is_not_given_scaled_ones():
    with pytest.raises(UsageError, match="scales pixels in its own first layers"):
        DenseOnBase("EfficientNetB0", RANDOM, "rescale").build(32, 2)


@pytest.mark.acceptance
def test_a_frozen_base_drops_nothing_out_in_training():
    network = DenseOnBase("EfficientNetB0", RANDOM).build(32, 2)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.float32)
    base = network.base.model
    np.testing.assert_allclose(base(pixels, training=True), base(pixels), rtol=1e-4, atol=1e-4)
