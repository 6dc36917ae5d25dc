"""A base with its classifying top: probabilities, and the likeliest class beside them."""

import hashlib
import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import polars
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pytest
from deltalake import DeltaTable

from classifiers.train import main as train
from pipelines.bases import (
    BASES,
    WeightsRequest,
    base_named,
    imagenet_classes,
    known_fingerprint,
    load_base,
)
from pipelines.contract import PARITY_BOUND
from pipelines.driver import extract
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.trial import largest_error
from pipelines.errors import EngineError, UsageError, WeightsError
from pipelines.extract import main
from pipelines.planning.job import make_contract
from pipelines.table.compaction import merge_small_files
from pipelines.table.erasure import forget
from pipelines.table.feature_table import FeatureTable
from pipelines.table.file_checks import check_files
from pipelines.table.schema import CLASSIFIED_SCHEMA
from tests.conftest import TINY

RANDOM = WeightsRequest("random", seed=1)
MOBILENET = replace(TINY, base="MobileNet", top=True)


def pixels(count):
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def plain_keras(name, layer, images):
    """Features of `layer`, by Keras alone, with the weights that this project draws."""
    base = base_named(name, top=True)
    plain = getattr(keras.applications, name)(weights=None, input_shape=(32, 32, 3))
    plain.set_weights(load_base(base, 32, RANDOM).model.get_weights())
    prepared = getattr(keras.applications, base.module).preprocess_input(images.astype(np.float32))
    cut = keras.Model(plain.input, plain.get_layer(layer).output)
    return cut.predict(prepared, verbose=0)


def test_the_classes_are_keras_s_own():
    classes = imagenet_classes()
    index = json.dumps({str(place): list(each) for place, each in enumerate(classes)})
    # What Keras holds its own index to, in `keras.applications.imagenet_utils`.
    assert hashlib.md5(index.encode()).hexdigest() == "c2c37ea517e94d9795004a39431a14cb"
    for place, spot in [(0, "n01440764 tench"), (151, "n02085620 Chihuahua")]:
        assert classes[place] == tuple(spot.split())
    for place, spot in [(281, "n02123045 tabby"), (999, "n15075141 toilet_tissue")]:
        assert classes[place] == tuple(spot.split())


@pytest.mark.acceptance
def test_without_a_layer_the_features_are_the_probabilities():
    contract = make_contract(MOBILENET)
    assert contract.layer == "predictions"
    images = pixels(5)
    model = load_base(base_named("MobileNet", top=True), 32, RANDOM).model
    engine = KerasEngine(model, contract, 8)
    assert engine.feature_shape == (1000,)
    found = engine.extract(images)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert largest_error(found, plain_keras("MobileNet", "predictions", images)) <= 1e-5


@pytest.mark.acceptance
def test_any_layer_of_the_top_can_be_taken():
    contract = make_contract(replace(TINY, top=True, layer="fc2"))
    images = pixels(3)
    model = load_base(base_named("VGG16", top=True), 32, RANDOM).model
    found = KerasEngine(model, contract, 4).extract(images)
    assert found.shape == (3, 4096)
    assert largest_error(found, plain_keras("VGG16", "fc2", images)) <= 1e-5


def test_a_base_with_its_top_is_not_the_one_without():
    bases = [base_named("MobileNet", top) for top in (False, True)]
    loaded = [load_base(base, 32, RANDOM).fingerprint for base in bases]
    assert loaded[0] != loaded[1]
    assert [known_fingerprint(base, 32, RANDOM) for base in bases] == loaded
    for top in (False, True):
        choice = replace(TINY, base="MobileNet", layer="conv_pw_13_relu", top=top)
        assert make_contract(choice).weights == loaded[top]


@pytest.mark.parametrize(
    ("base", "size", "sizes"),
    [("VGG16", 150, "224"), ("MobileNet", 150, "224 or 192 or 160 or 128")],
)
def test_the_top_s_imagenet_weights_are_for_one_size(base, size, sizes):
    choice = replace(MOBILENET, base=base, image_size=size, weights=WeightsRequest("imagenet"))
    with pytest.raises(UsageError, match=f"{base}'s ImageNet top is for images of {sizes} pixels"):
        make_contract(choice)


@pytest.mark.acceptance
def test_a_file_must_hold_the_top(tmp_path):
    path = tmp_path / "x.weights.h5"
    load_base(BASES["MobileNet"], 32, RANDOM).model.save_weights(path)
    request = WeightsRequest("file", str(path))
    load_base(BASES["MobileNet"], 32, request)
    with pytest.raises(WeightsError, match="does not hold MobileNet's weights"):
        load_base(base_named("MobileNet", top=True), 32, request)


def test_probabilities_have_no_height_and_width(dataset, tmp_path, capsys):
    where = ["--input", str(dataset), "--table", str(tmp_path / "features"), "--image_size", "32"]
    what = ["--base", "MobileNet", "--weights", "random:1", "--top", "true", "--pooling", "avg"]
    assert main([*where, *what]) == 2
    assert "--pooling avg needs a layer with height and width" in capsys.readouterr().err


@pytest.fixture(scope="module")
def probabilities(dataset, make_job, tmp_path_factory):
    where = tmp_path_factory.mktemp("top") / "features"
    extract(make_job(dataset, where, features=MOBILENET, shard_rows=16))
    return where


def check_classes(rows):
    """Every row's three columns, decoded by hand from its features."""
    assert rows.num_rows
    for row in rows.to_pylist():
        place = max(range(1000), key=lambda number: row["features"][number])
        wanted = imagenet_classes()[place]
        assert (row["imagenet_class"], row["imagenet_label"]) == wanted
        assert row["imagenet_probability"] == row["features"][place]


def rows_of(table):
    return FeatureTable.open(str(table)).dataset().to_table()


def test_the_likeliest_class_stands_in_columns(probabilities):
    rows = rows_of(probabilities)
    assert rows.schema.names == CLASSIFIED_SCHEMA.names
    assert rows.num_rows == 88
    assert len(pc.unique(rows["imagenet_class"])) > 1
    check_classes(rows)
    assert not list(check_files(FeatureTable.open(str(probabilities))))


def test_others_read_the_columns(probabilities):
    wanted = rows_of(probabilities).sort_by("image_id")["imagenet_label"].to_pylist()
    frame = polars.read_delta(str(probabilities)).sort("image_id")
    assert frame["imagenet_label"].to_list() == wanted
    here = pafs.SubTreeFileSystem(str(probabilities), pafs.LocalFileSystem())
    frame = DeltaTable(str(probabilities)).to_pandas(filesystem=here)
    assert frame.sort_values("image_id")["imagenet_label"].to_list() == wanted


def test_a_head_is_trained_on_probabilities(probabilities, tmp_path):
    where = ["--table", str(probabilities), "--model", str(tmp_path / "model")]
    assert train([*where, "--head", "logistic", "--json", str(tmp_path / "card.json")]) == 0
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["contract"]["top"] is True
    assert card["rows"]["train"] == 48


def test_rounding_comes_before_the_columns(dataset, make_job, tmp_path):
    rounded = replace(MOBILENET, precision="bfloat16")
    extract(make_job(dataset / "test", tmp_path / "features", features=rounded))
    check_classes(rows_of(tmp_path / "features"))


def test_what_rewrites_rows_keeps_the_columns(dataset, make_job, tmp_path):
    images, table = tmp_path / "images", tmp_path / "features"
    shutil.copytree(dataset / "test", images / "test")
    job = make_job(images, table, features=MOBILENET, shard_rows=4)
    extract(job)
    before = {row["image_id"]: row["imagenet_class"] for row in rows_of(table).to_pylist()}
    manifest = tmp_path / "m.csv"
    lines = [f"{name},{name},grey,test" for name in sorted(before)]
    manifest.write_text("\n".join(["path,id,label,split", *lines]))
    extract(replace(job, input=str(manifest), input_root=str(images)))
    gone = min(before)
    forget(FeatureTable.open(str(table)), frozenset([gone]))
    assert merge_small_files(FeatureTable.open(str(table)))[0] > 1
    rows = rows_of(table)
    assert set(rows["label"].to_pylist()) == {"grey"}
    check_classes(rows)
    after = {row["image_id"]: row["imagenet_class"] for row in rows.to_pylist()}
    assert after == {name: each for name, each in before.items() if name != gone}
    assert not list(check_files(FeatureTable.open(str(table))))


@pytest.mark.acceptance
@pytest.mark.parametrize("name", ["VGG16", "MobileNet", "MobileNetV3Small", "ConvNeXtTiny"])
def test_openvino_runs_a_top_and_ncnn_refuses_it(name, tmp_path):
    base = base_named(name, top=True)
    contract = make_contract(replace(MOBILENET, base=name))
    model = load_base(base, 32, RANDOM).model
    CONVERTING["openvino"].convert(model, contract, tmp_path)
    found = CONVERTING["openvino"].open(tmp_path, 2, 4).extract(pixels(4))
    assert largest_error(found, KerasEngine(model, contract, 4).extract(pixels(4))) <= PARITY_BOUND
    with pytest.raises(EngineError):
        CONVERTING["ncnn"].convert(model, contract, tmp_path)
