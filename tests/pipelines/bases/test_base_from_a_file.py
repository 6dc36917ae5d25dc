"""From images through a base's file to a trained head; nothing is in a process of its own."""

import json
from contextlib import nullcontext

import numpy as np
import pytest

import classifiers
import frozen_features
from frozen_features import evaluate, extract, predict, train
from pipelines import describe
from pipelines import extract as command
from pipelines.bases import SCALINGS, WeightsRequest, file_of, prepare
from pipelines.bases.onnx_file import asking, child
from pipelines.contract import contract_from_json, differing_fields
from pipelines.engines import onnx_files, opening, racing
from pipelines.engines.choosing import choose_without_race
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.request import Computation
from pipelines.engines.trial import TimedEngine
from pipelines.errors import EngineError, UsageError, WeightsError
from pipelines.images.decode import decode_image, pixel_spec
from pipelines.planning.job import make_contract
from pipelines.table.feature_table import FeatureTable
from tests.pipelines.bases.onnx_networks import (
    SIZE,
    pointwise,
    transformer,
    transformer_features,
)


def trial_here(name, folder, threads, batch_size, images):
    return TimedEngine(CONVERTING[name].open(folder, threads, batch_size), images)


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch):
    def tried(name, folder, threads, batch_size, images):
        return trial_here(name, folder, threads, batch_size, images).features

    monkeypatch.setattr(asking, "_answered", lambda request, path: child.answer(request))
    monkeypatch.setattr(onnx_files, "try_conversion", tried)


def contract_of(*options):
    parser = command.make_parser()
    argv = ["--input", "in", "--table", "table", *map(str, options)]
    return make_contract(command.make_job(parser.parse_args(argv), ()).features)


def plain_pixels(dataset, names, contract):
    spec = pixel_spec(contract)
    files = [(dataset / name).read_bytes() for name in names]
    return np.stack([decode_image(data, spec).pixels for data in files])


def test_a_transformer_in_a_file_extracts_trains_and_predicts(dataset, tmp_path):
    path = transformer(tmp_path / "vit.onnx")
    table = tmp_path / "features"
    said = {"base": path, "image_size": SIZE, "preprocessing": "clip", "pooling": "cls"}
    extract(dataset, table, engine="openvino", **said)
    contract = FeatureTable.open(str(table)).contract
    assert (contract.base, contract.layer, contract.pooling) == ("onnx-file", "tokens", "cls")
    split = classifiers.load(str(table), "test")
    names = split.ids[:6]
    clip = SCALINGS["clip"]
    pixels = (plain_pixels(dataset, names, contract) / 255 - clip.mean) / clip.std
    wanted = transformer_features(pixels)[:, 0]
    np.testing.assert_allclose(split.features[:6], wanted, rtol=1e-4, atol=1e-5)
    train(table, head="logistic", model=tmp_path / "model")
    assert evaluate(tmp_path / "model", table=table).as_json()["accuracy"] == 1.0
    # The file is not named: it is where it was.
    from_images = predict(tmp_path / "model", input=dataset / "test").rows
    assert set(from_images["predicted"].to_pylist()) == {"dark", "light"}
    by_folder = [name.split("/")[0] for name in from_images["image_id"].to_pylist()]
    assert from_images["predicted"].to_pylist() == by_folder
    path.rename(tmp_path / "moved.onnx")
    with pytest.raises(WeightsError, match="--weights"):
        file_of(contract, WeightsRequest("imagenet"))


def test_a_contract_says_numbers_whatever_they_were_called(tmp_path):
    path = pointwise(tmp_path / "base.onnx")
    named = contract_of("--base", path, "--preprocessing", "torch", "--layer", "relu")
    said = ["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--scale", "1/255"]
    numbers = contract_of("--base", path, "--layer", "the_activation", *said, "--resize", "crop:12")
    assert differing_fields(named, numbers) == {"resize": ("squash", "crop:12")}
    assert (named.image_size, named.layer, named.preprocessing) == (SIZE, "relu", "numbers")
    assert contract_from_json(numbers.canonical_json()) == numbers
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.float32)
    wanted = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(prepare(named, pixels), wanted, rtol=1e-4, atol=1e-5)


def test_two_files_of_the_same_numbers_are_one_contract(tmp_path):
    other_head = {"classes": np.ones((4, 9), np.float32)}
    contracts = [
        contract_of("--base", path, "--preprocessing", "none", "--layer", "relu")
        for path in (
            pointwise(tmp_path / "one.onnx"),
            pointwise(tmp_path / "two.onnx", tensors=other_head),
        )
    ]
    assert contracts[0] == contracts[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--preprocessing", "imagenet"], "how pixels enter .* say --preprocessing none, rescale"),
        (["--preprocessing", "torch", "--scale", "2"], "both say how pixels enter"),
        (
            ["--preprocessing", "none", "--weights", "random"],
            "--weights has no meaning with --base",
        ),
        (["--preprocessing", "none", "--top", "true"], "--top has no meaning"),
        (
            ["--preprocessing", "none", "--compute_dtype", "float16"],
            "not in --compute_dtype float16",
        ),
        (["--std", "0"], "nothing of the pixels would be left"),
        (["--preprocessing", "none", "--resize", "crop:4"], "no 8 x 8 can be cut"),
    ],
)
def test_options_that_do_not_fit_a_file_are_refused(tmp_path, options, said):
    with pytest.raises(UsageError, match=said):
        contract_of("--base", pointwise(tmp_path / "base.onnx"), *options)


def test_any_size_wants_one(tmp_path):
    with pytest.raises(UsageError, match="any size; say which with --image_size"):
        contract_of("--base", transformer(tmp_path / "vit.onnx"), "--preprocessing", "torch")


def test_a_name_that_is_neither_base_nor_file(tmp_path):
    with pytest.raises(UsageError, match=r"there is no base .*, nor is it a file"):
        contract_of("--base", tmp_path / "nothing.onnx")


def test_another_file_than_the_table_s_is_refused(tmp_path):
    one = pointwise(tmp_path / "one.onnx")
    bias = {"bias": np.zeros(4, np.float32)}
    two = WeightsRequest("base", str(pointwise(tmp_path / "two.onnx", tensors=bias)))
    contract = contract_of("--base", one, "--preprocessing", "none", "--layer", "relu")
    with pytest.raises(WeightsError, match="fingerprint"):
        opening.open_engine(Computation(contract, two, 4, 1).by("openvino"))


def test_keras_does_not_run_an_onnx_file(tmp_path):
    path = pointwise(tmp_path / "base.onnx")
    contract = contract_of("--base", path, "--preprocessing", "none", "--layer", "relu")
    asked = Computation(contract, WeightsRequest("base", str(path)), 4, 1)
    with pytest.raises(UsageError, match="came as an ONNX file"):
        opening.open_engine(asked.by("keras"))
    with pytest.raises(EngineError, match="ncnn engine cannot run"):
        opening.open_engine(asked.by("ncnn"))


def test_the_engines_that_run_onnx_files_race(tmp_path, monkeypatch):
    monkeypatch.setattr(racing, "trial_of", lambda *asked: nullcontext(trial_here(*asked)))
    path = transformer(tmp_path / "vit.onnx")
    contract = contract_of("--base", path, "--image_size", SIZE, "--preprocessing", "torch")
    asked = Computation(contract, WeightsRequest("base", str(path)), 4, 1)
    pixels = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    choice = racing.race(asked, pixels)
    assert {trial.engine for trial in choice.trials} == {"onnxruntime", "openvino"}
    assert all(trial.refusal is None and trial.error < 1e-5 for trial in choice.trials)
    assert choose_without_race("auto", asked).engine == choice.engine


def test_the_layers_of_a_file_are_described(tmp_path, capsys):
    path = pointwise(tmp_path / "base.onnx")
    assert describe.main(["--bases", str(path), "--json", str(tmp_path / "layers.json")]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == f"{path}: onnx-file, images of {SIZE} pixels"
    assert [line.split() for line in said.splitlines()[4:6]] == [
        ["conv", "Conv", "8", "x", "8", "x", "4"],
        ["relu", "Relu", "8", "x", "8", "x", "4"],
    ]
    written = json.loads((tmp_path / "layers.json").read_text())
    assert written["layers"][4] == {"name": "head", "operation": "MatMul", "shape": [2]}
    assert frozen_features.base_layers(path).as_json()["size"] == SIZE
    with pytest.raises(UsageError, match="VGG16 is a base by name"):
        frozen_features.base_layers("VGG16")
