"""Fine-tuning on stored features is fine-tuning of the whole model, without its first part."""

import subprocess
import sys
from dataclasses import replace
from math import prod

import keras
import numpy as np
import pytest

from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import HeldSet, hold, labelled_rows
from classifiers.heads import finetune
from classifiers.heads.dense import DenseHead
from classifiers.heads.finetune import FineTuneHead, FittedFineTuned
from classifiers.heads.softmax import SoftmaxHead
from classifiers.heads.split_base import copy_of
from pipelines.bases import BASES, WeightsRequest, build
from pipelines.bases.random_weights import randomise
from pipelines.driver import extract
from pipelines.engines.opening import open_base
from pipelines.errors import UsageError, WeightsError
from pipelines.table.feature_table import FeatureTable
from tests.classifiers.heads.plain_finetuning import (
    CUTS,
    SIZE,
    Plain,
    contract_of,
    images_of,
    plain_base,
    prepared,
    stored,
)
from tests.conftest import TINY

RATE = 1e-5
DENSE = DenseHead(units=32, dropout=0.0, learning_rate=1e-4, epochs=2, batch_size=8)
SOFTMAX = SoftmaxHead(learning_rate=1e-3, epochs=2, batch_size=8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> dict[str, WeightsRequest]:
    """Random weights under which features neither vanish nor explode: each batch normalisation
    knows the statistics of what comes to it, as if it had been trained."""
    found = {}
    for name in ("VGG16", "MobileNetV2"):
        model = build(BASES[name], SIZE)
        randomise(model, 1)
        model.weights[0].assign(model.weights[0] / 64)  # pixels are not of the order of 1
        model.trainable = True
        for layer in model.layers:
            layer.momentum = 0.0
        model(prepared(name, images_of(2)[0]), training=True)
        path = tmp_path_factory.mktemp("weights") / f"{name}.weights.h5"
        model.save_weights(path)
        found[name] = WeightsRequest("file", str(path))
    return found


@pytest.mark.parametrize(
    ("base", "top", "classes", "weight"),
    [
        pytest.param("VGG16", DENSE, 2, {0: 1.0, 1: 3.0}, marks=pytest.mark.acceptance),
        pytest.param("VGG16", SOFTMAX, 3, None, marks=pytest.mark.acceptance),
        pytest.param("MobileNetV2", DENSE, 3, None, marks=pytest.mark.acceptance),
    ],
)
def test_it_is_fine_tuning_of_the_whole_model_from_images(weights, base, top, classes, weight):
    images, targets = images_of(classes)
    contract = contract_of(base, weights[base])
    head = FineTuneHead(top, contract, weights[base], None, learning_rate=RATE, epochs=2)
    train = stored(base, weights[base], images, targets)
    fitted, history = head.fit(train, None, classes, weight, seed=3)

    model = plain_base(base, weights[base])
    initial = model.get_weights()
    keras.utils.set_random_seed(3)
    plain = Plain(base, model, top, classes)
    plain.freeze()
    losses = plain.train(top.learning_rate, top.epochs, images, targets, weight, seed=3)
    plain.unfreeze()
    losses += plain.train(RATE, 2, images, targets, weight, seed=3)

    np.testing.assert_allclose([row["loss"] for row in history], losses, rtol=1e-3)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    ours = {weight.path: weight.numpy() for weight in fitted._whole.weights}
    moved = 0
    for before, variable in zip(initial, model.weights, strict=True):
        after, own = variable.numpy(), ours[variable.path]
        np.testing.assert_allclose(own, after, atol=1e-4)
        change = np.linalg.norm(after - before)
        assert np.linalg.norm(own - after) <= 1e-3 * change
        moved += change > 0
    assert moved == history[-1]["trainable"] - history[0]["trainable"] > 0
    expected = plain.whole.predict(prepared(base, images), verbose=0)
    np.testing.assert_allclose(fitted._whole.predict(images, verbose=0), expected, atol=1e-4)


def small(weights, top=DENSE, **changes) -> FineTuneHead:
    """A short fine-tuning of the tiny VGG16."""
    contract = contract_of("VGG16", weights["VGG16"])
    values = {"learning_rate": RATE, "epochs": 1, **changes}
    return FineTuneHead(top, contract, weights["VGG16"], **values)


@pytest.mark.acceptance
def test_before_unfreezing_it_is_the_head_on_the_frozen_base(weights):
    images, targets = images_of(2)
    train = stored("VGG16", weights["VGG16"], images, targets)
    top = replace(DENSE, dropout=0.5)
    still = small(weights, top, learning_rate=1e-30)
    fitted, history = still.fit(train, train, 2, None, seed=4)
    of_base = plain_base("VGG16", weights["VGG16"]).predict(prepared("VGG16", images), verbose=0)
    last = HeldSet(of_base.reshape(len(images), -1), targets)
    alone, expected = top.fit(last, last, 2, None, seed=4)
    for ours, plain in zip(history, expected, strict=False):
        assert ours == {**plain, "trainable": 4}
    np.testing.assert_array_equal(
        fitted.judge(train.features).scores, alone.judge(last.features).scores
    )


@pytest.mark.acceptance
def test_the_steps_count_weight_tensors_as_the_book_does(weights, capsys):
    train = stored("VGG16", weights["VGG16"], *images_of(2))
    fitted, history = small(weights, unfreeze="block5_conv3").fit(train, None, 2, None, seed=0)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("step")]
    assert told == [
        "step 1  a dense head on VGG16: 30 trainable weight tensors",
        "step 2  the base frozen: 4 trainable weight tensors",
        "step 3  the head alone, at a rate of 0.0001",
        "step 4  unfrozen from block5_conv3 on: 6 trainable weight tensors",
        "step 5  both together, at a rate of 1e-05",
    ]
    assert [row["trainable"] for row in history] == [4, 4, 6]
    base = plain_base("VGG16", weights["VGG16"])
    assert len(base.weights) == 26
    after = {v.path: v.numpy() for v in fitted._whole.weights}
    moved = {v.path for v in base.weights if (after[v.path] != v.numpy()).any()}
    assert moved == {"block5_conv3/kernel", "block5_conv3/bias"}


@pytest.mark.acceptance
def test_the_seed_decides_and_the_base_of_the_process_stays_as_it_was(weights):
    train = stored("VGG16", weights["VGG16"], *images_of(2))
    head = small(weights, replace(DENSE, dropout=0.5))
    one, other = (
        head.fit(train, None, 2, None, seed=1)[0].judge(train.features).scores for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)
    model = open_base("VGG16", SIZE, weights["VGG16"]).model
    assert not model.trainable_weights
    plain = plain_base("VGG16", weights["VGG16"]).get_weights()
    assert all((a == b).all() for a, b in zip(model.get_weights(), plain, strict=True))


@pytest.mark.acceptance
@pytest.mark.parametrize(
    "base", ["VGG16", pytest.param("MobileNetV2", marks=pytest.mark.acceptance)]
)
def test_what_is_saved_predicts_from_images_in_plain_keras(weights, tmp_path, base):
    images, targets = images_of(2)
    train = stored(base, weights[base], images, targets)
    head = FineTuneHead(DENSE, contract_of(base, weights[base]), weights[base], None, RATE, 1)
    fitted, _ = head.fit(train, None, 2, None, seed=0)
    fitted.save(tmp_path)
    scores = fitted.judge(train.features).scores[:, 1]
    again = FittedFineTuned.load(tmp_path).judge(train.features).scores[:, 1]
    np.testing.assert_array_equal(again, scores)
    variables = sum(prod(v.shape) for v in fitted._whole.weights)
    assert (tmp_path / "model.keras").stat().st_size < 4 * variables + 1_000_000  # each once

    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys\n"
        "sys.modules['pipelines'] = sys.modules['classifiers'] = None\n"  # cannot be imported
        "import keras, numpy as np\n"
        "model = keras.models.load_model('model.keras')\n"
        "images = np.load('images.npy')\n"
        "found = [model.predict(images.astype(t), verbose=0) for t in ('uint8', 'float32')]\n"
        "np.save('found.npy', found)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    as_bytes, as_floats = np.load(tmp_path / "found.npy")
    np.testing.assert_array_equal(as_bytes, as_floats)
    np.testing.assert_allclose(as_bytes[:, 0], scores, atol=1e-4)
    assert scores.std() > 0.01


@pytest.mark.parametrize(
    ("base", "changes", "unfreeze", "message"),
    [
        ("VGG16", {"layer": "block5_pool"}, None, "block5_pool is VGG16's last layer"),
        ("VGG16", {"pooling": "avg"}, None, "nothing of VGG16 comes after pooled features"),
        ("VGG16", {}, "block4_conv1", "no such layer to train; there are block5_conv1,"),
        ("VGG16", {}, "block5_pool", "no layer from block5_pool on has weights"),
        ("MobileNetV2", {"layer": "block_14_project_BN"}, None, "layers after it also take what"),
    ],
)
def test_what_cannot_be_fine_tuned_is_refused(weights, base, changes, unfreeze, message):
    contract = contract_of(base, weights[base], **changes)
    with pytest.raises(UsageError, match=message):
        FineTuneHead(DENSE, contract, weights[base], unfreeze, 1e-5, 1).check(10)


@pytest.mark.acceptance
def test_a_frozen_end_gives_the_same_in_training(tmp_path):
    """EfficientNets drop whole branches in training, frozen or not."""
    model = build(BASES["EfficientNetB0"], SIZE)
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert any(layer.rate for layer in layers)
    copy = copy_of(model)
    end = keras.Model(copy.get_layer("block5c_add").output, copy.output)
    end.trainable = False
    features = np.random.default_rng(0).normal(size=(4, *end.input_shape[1:])).astype(np.float32)
    np.testing.assert_array_equal(end(features, training=True), end(features, training=False))
    assert any(layer.rate for layer in layers)


@pytest.mark.parametrize("changes", [{"layer": "block5_pool"}, {"pooling": "avg"}])
def test_a_table_of_a_base_s_end_is_refused_before_the_base_is_loaded(
    weights, monkeypatch, changes
):
    monkeypatch.setattr(finetune, "open_base_of", lambda *_: pytest.fail("the base was loaded"))
    contract = contract_of("VGG16", weights["VGG16"], **changes)
    with pytest.raises(UsageError):
        FineTuneHead(DENSE, contract, weights["VGG16"], None, 1e-5, 1).check(10)


def test_memory_counts_the_features_and_what_the_frozen_tail_makes_of_them(weights):
    assert small(weights).memory(4000, 96) == 3 * (4096 + 1024)  # 2 x 2 x 512 become 512


def test_other_weights_are_refused(weights):
    head = replace(small(weights), weights=WeightsRequest("random", seed=9))
    with pytest.raises(WeightsError, match="name the same weights with --weights"):
        head.check(10)


@pytest.mark.acceptance
def test_streamed_features_are_trained_on_as_held_ones(make_job, dataset, tmp_path):
    """With all rows in one batch, their order does not matter."""
    weights = TINY.weights
    extract(make_job(dataset, tmp_path / "t", features=replace(TINY, layer=CUTS["VGG16"])))
    table = FeatureTable.open(str(tmp_path / "t"))
    streamed = labelled_rows(find_rows(table, "train"), ("dark", "light"), "train")
    top = replace(DENSE, batch_size=48, learning_rate=1e-3)
    head = FineTuneHead(top, table.contract, weights, None, RATE, 2)
    results = [
        head.fit(part, part, 2, {0: 1.0, 1: 2.0}, seed=0) for part in (hold(streamed), streamed)
    ]
    (held, history), (other, by_stream) = results
    for row, same in zip(history, by_stream, strict=True):
        assert row.keys() == same.keys()
        np.testing.assert_allclose(list(same.values()), list(row.values()), rtol=1e-4)
    features = hold(streamed).features
    one, two = (fitted.judge(features).scores for fitted in (held, other))
    np.testing.assert_allclose(one, two, atol=1e-4)
