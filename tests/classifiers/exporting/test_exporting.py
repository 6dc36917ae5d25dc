"""An exported model says what this project says, carries its card, or is not written at all."""

import json
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC

import frozen_features as ff
from classifiers import export
from classifiers.exporting import formats
from classifiers.exporting.proof import IMAGES, REAL, require_same
from classifiers.exporting.saying import said
from classifiers.exporting.whole import _rounded
from classifiers.heads.network import FittedNetwork
from classifiers.heads.scikit import FittedScikit
from classifiers.models.calibration import calibrated
from classifiers.models.card import ImageCard
from classifiers.models.decisions import Decisions
from classifiers.models.folder import Model, load_model
from pipelines.errors import ModelError, UsageError, WeightsError
from pipelines.images.decode import PixelSpec, decode_image
from pipelines.table.precision import round_mantissa

SCALE = 100.0


def told(model, *more):
    return ["--model", str(model), "--weights", "random:1", "--format", "keras", *more]


@pytest.mark.acceptance
def test_a_head_on_features_with_its_base(dataset, table, logistic, tmp_path, capsys):
    output, result = tmp_path / "light.keras", tmp_path / "result.json"
    assert export.main([*told(logistic), "--output", str(output), "--json", str(result)]) == 0
    shown = capsys.readouterr().out
    assert f"{IMAGES} images, {REAL} of them of the training" in shown
    assert "uint8 (batch, 32, 32, 3), RGB" in shown
    report = json.loads(result.read_text())
    assert report["gives"] == "probabilities"
    assert report["largest_difference"] <= 1e-5
    assert [path.name for path in sorted(tmp_path.iterdir()) if path.is_file()] == [
        "light.keras",
        "result.json",
    ]

    network = keras.models.load_model(output)
    rows = ff.predict(logistic, table=table, split="test").rows.to_pylist()
    model = load_model(logistic)
    spec = PixelSpec(32, model.card.contract.interpolation, "ignored")
    pixels = [decode_image((dataset / row["image_id"]).read_bytes(), spec).pixels for row in rows]
    found = np.asarray(network(np.stack(pixels)))
    wanted = [[row["score_dark"] > 0, row["probability"]] for row in rows]
    assert [bool(each[0] > each[1]) for each in found] == [bool(each[0]) for each in wanted]
    np.testing.assert_allclose(found.max(axis=1), [each[1] for each in wanted], atol=1e-5)

    with zipfile.ZipFile(output) as archive:
        carried = json.loads(archive.read(formats.CARD_MEMBER))
    assert carried["model"] == json.loads((logistic / "card.json").read_text())
    assert carried["export"]["output"]["classes"] == ["dark", "light"]
    assert carried["export"]["input"]["interpolation"] == model.card.contract.interpolation


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("classifier", [LogisticRegression(C=1e-2), LinearSVC(C=1e-2)])
def test_linear_heads_are_scikit_learn_s(classifier, classes):
    """Features far from zero, one of which is always the same: its deviation counts as 1."""
    random = np.random.default_rng(classes)
    features = (random.normal(50.0, 3.0, (90, 20)) * np.linspace(0.01, SCALE, 20)).astype("f4")
    features[:, 7] = 4.0
    targets = np.arange(90) % classes
    features[:, 3] += targets
    head = FittedScikit(make_pipeline(StandardScaler(), classifier).fit(features, targets))
    answers, judged = said(head.as_network(), None), head.judge(features)
    wanted = judged.scores if judged.probabilities is None else judged.probabilities
    assert answers.gives == ("scores" if judged.probabilities is None else "probabilities")
    found = np.asarray(answers.network(features))
    assert found.shape == (90, classes)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert np.ptp(found) > 0.1


@pytest.mark.parametrize("scalers", [[Normalizer()], []])
def test_linear_heads_on_otherwise_scaled_features(scalers):
    features = np.random.default_rng(1).normal(0.0, 2.0, (90, 20)).astype(np.float32)
    features[5] = 0.0
    targets = (features[:, 3] > 0).astype(int)
    pipeline = make_pipeline(*scalers, LogisticRegression(C=10.0, max_iter=1000))
    head = FittedScikit(pipeline.fit(features, targets))
    found = np.asarray(said(head.as_network(), None).network(features))
    np.testing.assert_allclose(found, head.judge(features).probabilities, atol=1e-5)
    assert np.ptp(found) > 0.5


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("classifier", [LogisticRegression(C=1e-2), LinearSVC(C=1e-2)])
def test_calibrated_heads_say_calibrated_probabilities(classifier, classes):
    random = np.random.default_rng(classes)
    targets = np.arange(60) % classes
    features = (random.normal(size=(60, 6)) + targets[:, None]).astype(np.float32)
    head = FittedScikit(make_pipeline(StandardScaler(), classifier).fit(features, targets))
    if isinstance(classifier, LogisticRegression):
        decisions = Decisions("validation", 9, temperature=0.3)
    else:
        lines = ((2.0, -0.5), (0.7, 0.2), (3.0, 1.0))[: 1 if classes == 2 else classes]
        decisions = Decisions("validation", 9, sigmoids=lines)
    answers, wanted = (
        said(head.as_network(), decisions),
        calibrated(head.judge(features), decisions),
    )
    assert answers.gives == "probabilities"
    np.testing.assert_allclose(answers.network(features), wanted.probabilities, atol=1e-5)
    plain = said(head.as_network(), None).network(features)
    assert np.abs(np.asarray(plain) - wanted.probabilities).max() > 0.05


@pytest.mark.parametrize(
    "steps",
    [
        (StandardScaler(), SVC()),
        (StandardScaler(with_mean=False), LinearSVC()),
        (StandardScaler(), StandardScaler(), LinearSVC()),
        (Normalizer("l1"), LinearSVC()),
    ],
)
def test_other_pipelines_are_refused(steps):
    features = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    head = FittedScikit(make_pipeline(*steps).fit(features, np.arange(20) % 2))
    with pytest.raises(UsageError, match="can be exported"):
        head.as_network()


@pytest.mark.parametrize("outputs", [1, 3])
def test_networks_of_one_output_and_of_several(outputs):
    activation = "sigmoid" if outputs == 1 else "softmax"
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(outputs, activation)])
    head = FittedNetwork(network)
    features = np.random.default_rng(0).normal(0, 3, (40, 5)).astype(np.float32)
    found = np.asarray(said(head.as_network(), None).network(features))
    np.testing.assert_allclose(found, head.judge(features).probabilities, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_features_are_rounded_as_a_table_rounds_them(precision):
    random = np.random.default_rng(3)
    values = (random.normal(size=5000) * 10.0 ** random.integers(-20, 20, 5000)).astype("f4")
    values[:3] = 0.0, 1.0, -3.0
    found = np.asarray(_rounded(keras.ops.convert_to_tensor(values), precision))
    np.testing.assert_array_equal(found, round_mantissa(values, precision))


def image_model(logistic, size=8):
    network = keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    how = ImageCard("nowhere", size, "nearest", "ignored", "rescale", None, None, 1, 1, {}, {}, 0)
    card = load_model(logistic).card
    return Model(FittedNetwork(network), replace(card, contract=None, contract_id=None, images=how))


@pytest.mark.acceptance
def test_a_model_that_reads_images(logistic, tmp_path, capsys):
    model, output = image_model(logistic), tmp_path / "images.keras"
    report = ff.export(model, format="keras", output=output)
    assert (report.images, report.real, report.image_size) == (IMAGES, 0, 8)
    assert "no image of the training can be read here" in capsys.readouterr().err
    pixels = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    found = np.asarray(keras.models.load_model(output)(pixels))
    wanted = model.head.judge(pixels.astype(np.float32)).probabilities
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    with pytest.raises(UsageError, match="holds its own"):
        ff.export(model, format="keras", output=tmp_path / "o.keras", weights="random:1")


@pytest.mark.parametrize("there", [False, True])
def test_what_says_something_else_is_not_written(logistic, tmp_path, monkeypatch, there):
    """A converter that loses a bias, or gives NaN, or fails: what was there stays as it was."""
    model, output = image_model(logistic), tmp_path / "images.keras"
    if there:
        output.write_bytes(b"before")
    kind = formats.FORMATS["keras"]

    def shifted(path, pixels):
        return kind.run(path, pixels) + np.float32([2e-4, -2e-4])

    def lost(path, pixels):
        return kind.run(path, pixels) * np.nan

    def failing(whole, card, path):
        raise NotImplementedError("no such layer")

    for change, complaint in [
        ({"run": shifted}, "differs from this one by up to 2.0e-04 on 64 of 64 images"),
        ({"run": lost}, "on 64 of 64 images"),
        ({"write": failing}, "cannot be written as keras: no such layer"),
    ]:
        monkeypatch.setitem(formats.FORMATS, "keras", replace(kind, **change))
        with pytest.raises(ModelError, match=complaint):
            ff.export(model, format="keras", output=output, overwrite=True)
        assert [path.read_bytes() for path in tmp_path.glob("*.*")] == [b"before"] * there


def test_the_bound():
    wanted = np.array([[0.5, 0.5], [200.0, -200.0]])
    within = np.array([[1e-5, 0.0], [1e-2, 0.0]])
    assert require_same(wanted + within, wanted) == pytest.approx(5e-5)
    for off in np.array([[[2e-4, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 3e-2]]]):
        with pytest.raises(ModelError, match="on 1 of 2 images"):
            require_same(wanted + off, wanted)
    with pytest.raises(ModelError, match="arrays of shape"):
        require_same(wanted[:, :1], wanted)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "onnx", "--output", "{}/m.pb"], "--format onnx is a file.onnx"),
        (["--format", "openvino", "--output", "{}/m.bin"], "--format openvino is a file.xml"),
        (["--format", "keras", "--output", "{}/no/m.keras"], "no folder {}/no to write it in"),
        (["--format", "keras", "--output", "{}/model.keras"], "a model's own file is called"),
        (["--format", "onnx", "--output", "{}/there.onnx"], "there.onnx exists; name another"),
        (["--format", "openvino", "--output", "{}/there.xml"], "there.bin exists; name another"),
        (["--format", "torch", "--output", "{}/m.pt"], "invalid choice: 'torch'"),
        (["--format", "onnx"], "--output"),
    ],
)
def test_mistakes_are_said_before_anything_is_read(options, said, tmp_path, capsys):
    for name in ("there.onnx", "there.bin"):
        (tmp_path / name).write_bytes(b"before")
    before = sorted(tmp_path.iterdir())
    given = [option.format(tmp_path) for option in options]
    assert export.main(["--model", str(tmp_path / "nowhere"), *given]) == 2
    error = capsys.readouterr().err
    assert said.format(tmp_path) in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.bin").read_bytes() == b"before"


def test_weights_and_models_that_do_not_belong_together(logistic, tmp_path):
    output = tmp_path / "m.keras"
    with pytest.raises(WeightsError, match="fingerprint"):
        ff.export(logistic, format="keras", output=output, weights="random:2")
    model = load_model(logistic)
    features = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    pipeline = make_pipeline(StandardScaler(), LinearSVC()).fit(features, np.arange(20) % 2)
    other = replace(model, head=FittedScikit(pipeline))
    with pytest.raises(ModelError, match="takes 4 features an image, VGG16 has 512"):
        ff.export(other, format="keras", output=output, weights="random:1")
    narrow = replace(model.card.contract, compute_dtype="bfloat16")
    other = replace(model, card=replace(model.card, contract=narrow))
    with pytest.raises(UsageError, match="were computed in bfloat16; use --format keras"):
        ff.export(other, format="onnx", output=tmp_path / "m.onnx", weights="random:1")
    other = replace(model, head=object())
    with pytest.raises(UsageError, match="a logistic cannot be exported"):
        ff.export(other, format="keras", output=output, weights="random:1")
    assert list(tmp_path.glob("m.*")) == []


def test_a_package_that_is_missing_is_named(logistic, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    given = ["--model", str(logistic), "--format", "onnx", "--output", str(tmp_path / "m.onnx")]
    assert export.main(given) == 1
    error = capsys.readouterr().err
    assert "tf2onnx is not installed; pip install 'frozen-features[export]' installs it" in error
