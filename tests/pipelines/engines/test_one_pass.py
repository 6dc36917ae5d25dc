"""Several layers of a base in one pass: the same features, and the base is run once."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from pipelines.bases import BASES, WeightsRequest, load_base
from pipelines.bases.cutting import IN_ONE_PASS, cut
from pipelines.contract import KERAS_FILE, PARITY_BOUND, SCHEMES, Augmentation, Quantisation
from pipelines.engines import ncnn, opening
from pipelines.engines.ncnn.ends import read_chains
from pipelines.engines.one_pass import each_alone, in_one_pass, largest_error_of_any, pass_of
from pipelines.engines.opening import open_engine
from pipelines.engines.request import Computation
from pipelines.engines.trial import largest_error, try_conversion
from pipelines.errors import EngineError, UsageError
from pipelines.planning.job import make_contract
from pipelines.records import ImageRef, Shard
from pipelines.shards.shard import ShardJob, Target, passes_of
from tests.conftest import TINY

LAYERS = [("block5_pool", "none"), ("block3_pool", "avg"), ("block4_pool", "none")]


def request(layer: str, pooling: str, engine: str = "keras", **changes):
    choice = replace(TINY, layer=layer, pooling=pooling, **changes)
    return Computation(make_contract(choice), choice.weights, 4, 1).by(engine)


@pytest.mark.parametrize(
    ("engine", "bound"),
    [
        ("keras", 0.0),
        pytest.param("ncnn", 0.0, marks=pytest.mark.acceptance),
        pytest.param("openvino", PARITY_BOUND / 10, marks=pytest.mark.acceptance),
    ],
)
def test_the_features_are_those_of_each_layer_alone(engine, bound):
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    requests = [request(*each, engine) for each in LAYERS]
    row = open_engine(in_one_pass(requests)).extract(images)
    alone = [open_engine(each).extract(images) for each in requests]
    assert row.shape == (4, 512 + 256 + 4 * 512)
    start = 0
    for wanted in alone:
        found = row[:, start : start + wanted.shape[1]]
        start += wanted.shape[1]
        error = np.linalg.norm(found - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
        assert error.max() <= bound


@pytest.mark.acceptance
@pytest.mark.parametrize("size", [32, 100, 150])
def test_a_chain_gives_what_lies_before_its_stack_and_in_it(size, tmp_path):
    layers = [
        *(("block5_conv1", "none"), ("block2_conv1", "max"), ("block4_conv2", "none")),
        *(("block4_pool", "max"), ("block4_conv2", "avg")),
    ]
    requests = [request(*each, "ncnn", image_size=size) for each in layers]
    images = np.random.default_rng(0).integers(0, 256, (11, size, size, 3), dtype=np.uint8)
    base = load_base(BASES["VGG16"], size, TINY.weights).model

    def features(number, contract):
        folder = tmp_path / str(number)
        folder.mkdir()
        ncnn.convert(base, contract, folder)
        return ncnn.load(folder, 2, 8).extract(images)

    row = features("all", in_one_pass(requests).contract)
    alone = [features(number, each.contract) for number, each in enumerate(requests)]
    assert np.array_equal(row, np.concatenate(alone, axis=1))


def test_layers_of_two_branches_are_no_chain():
    image = keras.Input((32, 32, 3))
    first = keras.layers.Conv2D(4, 3, padding="same", name="first")(image)
    sides = [keras.layers.Conv2D(4, 3, padding="same", name=name)(first) for name in "ab"]
    model = keras.Model(image, keras.layers.Add()(sides))
    contract = request("block5_pool", "none").contract
    several = replace(contract, layer=f"a{IN_ONE_PASS}first", pooling=f"none{IN_ONE_PASS}avg")
    chains = read_chains(model, several)
    assert [[step.name for step in chain] for chain in chains] == [["first", "a"], ["first"]]
    with pytest.raises(EngineError, match="b is not on the way to a"):
        read_chains(model, replace(several, layer=f"a{IN_ONE_PASS}b"))


def test_an_error_in_a_small_layer_is_not_lost_in_a_large_one():
    large, small = np.full((2, 900), 1e6, np.float32), np.full((2, 3), 1e-2, np.float32)
    row = np.concatenate([large, small], axis=1)
    assert largest_error_of_any(row, [large, small]) == 0.0
    row[1, 900] *= 1.1
    assert largest_error(row, np.concatenate([large, small], axis=1)) < 1e-9
    assert largest_error_of_any(row, [large, small]) == pytest.approx(0.1 / np.sqrt(3), rel=1e-3)
    assert not largest_error_of_any(row[:, :-1], [large, small]) < 1.0
    row[0, 0] = np.nan
    assert not largest_error_of_any(row, [large, small]) < 1.0


def test_a_pass_that_spoils_one_of_its_layers_is_not_taken(monkeypatch):
    requests = [request("block1_conv1", "none", "ncnn"), request("block5_pool", "avg", "ncnn")]

    def spoiled(*asked):
        row = try_conversion(*asked)
        row[:, -1] += np.linalg.norm(row[:, -512:], axis=1) / 1000
        return row

    monkeypatch.setattr(opening, "try_conversion", spoiled)
    with pytest.raises(EngineError, match="its features are off by"):
        open_engine(in_one_pass(requests))


def test_the_base_is_in_it_once():
    model = load_base(BASES["VGG16"], 32, TINY.weights).model
    layers, poolings = zip(*LAYERS, strict=True)
    several = cut(model, IN_ONE_PASS.join(layers), IN_ONE_PASS.join(poolings))
    convolutions = [each for each in several.layers if "conv" in each.name]
    assert len(convolutions) == len({id(each) for each in convolutions}) == 13


def target(engine, augmentation=None) -> Target:
    return Target("run", "table", engine, (1,), augmentation)


def test_requests_share_a_pass_where_one_model_answers_them():
    one, other = request("block5_pool", "none"), request("block4_pool", "avg", precision="bfloat16")
    chain = [request(layer, pooling, "ncnn") for layer, pooling in LAYERS[:2]]
    larger = request("block5_pool", "none", image_size=48)
    targets = {
        0: target(one),
        1: target(chain[0]),
        2: target(larger),
        3: target(other),
        4: target(chain[1]),
        5: target(one, Augmentation(seed=3)),
    }
    refs = (ImageRef("a", "/a", None, "train", 1, 0, 0),)
    shard = Shard("000000", "train", refs, tuple(targets))
    shared = passes_of(shard, ShardJob(targets, 1, None))
    assert [each.tables for each in shared] == [(0, 3), (1, 4), (2,), (5,)]
    assert shared[0].engine.contract.layer.split(IN_ONE_PASS) == ["block5_pool", "block4_pool"]
    assert shared[1].engine.contract.pooling.split(IN_ONE_PASS) == ["none", "avg"]
    assert shared[2].engine is larger
    alone = passes_of(shard, ShardJob(targets, 1, None, one_pass=False))
    assert [each.tables for each in alone] == [(table,) for table in targets]
    only = passes_of(replace(shard, tables=(3,)), ShardJob(targets, 1, None))
    assert [(each.tables, each.engine) for each in only] == [((3,), other)]


def test_a_base_from_a_file_is_one_whatever_its_fingerprints():
    one, other = (
        replace(each, contract=replace(each.contract, base=KERAS_FILE, weights=weights * 64))
        for each, weights in (
            (request("block5_pool", "none"), "a"),
            (request("block4_pool", "avg"), "b"),
        )
    )
    assert pass_of(one) != pass_of(other)  # where each was last seen, nobody says
    named = WeightsRequest("base", path="base.keras")
    one, other = (replace(each, weights=named) for each in (one, other))
    assert pass_of(one) == pass_of(other)
    assert pass_of(one) != pass_of(replace(other, weights=WeightsRequest("base", path="2.keras")))
    assert each_alone(in_one_pass([one, other]).contract) == [one.contract, other.contract]


def test_what_is_quantised_is_a_base_of_its_own():
    one, other = (
        replace(each, contract=replace(each.contract, compute_dtype="int8", quantisation=base))
        for base in (Quantisation(SCHEMES[-1], "c" * 64, "100 images"),)
        for each in (request("block5_pool", "none"), request("block4_pool", "avg"))
    )
    assert pass_of(one) != pass_of(other)


def test_poolings_that_are_not_of_the_layers_are_refused():
    wrong = request("block5_pool", "none")
    wrong = replace(wrong, contract=replace(wrong.contract, pooling=f"none{IN_ONE_PASS}avg"))
    with pytest.raises(UsageError, match="2 poolings, which its layers have not"):
        open_engine(wrong)
