"""Several layers of a base in one pass: the same features, and the base is run once."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.bases import BASES, load_base
from pipelines.bases.cutting import IN_ONE_PASS, cut
from pipelines.contract import KERAS_FILE, PARITY_BOUND, Augmentation
from pipelines.engines.one_pass import in_one_pass, pass_of
from pipelines.engines.opening import open_engine
from pipelines.engines.request import Computation
from pipelines.errors import UsageError
from pipelines.planning.job import make_contract
from pipelines.records import ImageRef, Shard
from pipelines.shards.shard import ShardJob, Target, passes_of
from tests.conftest import TINY

LAYERS = [("block5_pool", "none"), ("block3_pool", "avg"), ("block4_pool", "none")]


def request(layer: str, pooling: str, engine: str = "keras", **changes):
    choice = replace(TINY, layer=layer, pooling=pooling, **changes)
    return Computation(make_contract(choice), choice.weights, 4, 1).by(engine)


@pytest.mark.parametrize(
    "engine", ["keras", pytest.param("openvino", marks=pytest.mark.acceptance)]
)
def test_the_features_are_those_of_each_layer_alone(engine):
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
        assert error.max() <= PARITY_BOUND / 10


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
    assert [each.tables for each in shared] == [(0, 3), (1,), (2,), (4,), (5,)]
    assert shared[0].engine.contract.layer.split(IN_ONE_PASS) == ["block5_pool", "block4_pool"]
    assert shared[1].engine is chain[0]
    alone = passes_of(shard, ShardJob(targets, 1, None, one_pass=False))
    assert [each.tables for each in alone] == [(table,) for table in targets]
    only = passes_of(replace(shard, tables=(3,)), ShardJob(targets, 1, None))
    assert [(each.tables, each.engine) for each in only] == [((3,), other)]


def test_what_is_quantised_or_from_a_file_is_a_base_of_its_own():
    one, other = request("block5_pool", "none"), request("block4_pool", "avg")
    assert pass_of(one) == pass_of(other)
    one, other = (
        replace(each, contract=replace(each.contract, base=KERAS_FILE)) for each in (one, other)
    )
    assert pass_of(one) != pass_of(other)


def test_poolings_that_are_not_of_the_layers_are_refused():
    wrong = request("block5_pool", "none")
    wrong = replace(wrong, contract=replace(wrong.contract, pooling=f"none{IN_ONE_PASS}avg"))
    with pytest.raises(UsageError, match="2 poolings, which its layers have not"):
        open_engine(wrong)
