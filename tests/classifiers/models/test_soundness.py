"""A model is held against its card before it is used, and a card is anybody's JSON."""

import contextlib
import copy
import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from skops import io

from classifiers import evaluate, predict
from classifiers.data.training_set import Batch
from classifiers.heads.catalogue import fitted_of
from classifiers.heads.head import Judgement
from classifiers.models import evaluation, predicting
from classifiers.models.folder import Model, load_model, read_card
from pipelines.errors import FrozenFeaturesError, ModelError
from tests.classifiers.conftest import run_train
from tests.conftest import ROOT

MADE = ROOT / "tests" / "fixtures" / "f902a8d"
TABLE = ["--table", str(MADE / "features")]


@pytest.fixture
def model(tmp_path) -> Path:
    """A logistic regression of two classes on 512 features."""
    shutil.copytree(MADE / "models" / "logistic", tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def refused(model, tmp_path, capsys):
    """That predict and evaluate end with one line and status 1, and nothing is written."""

    def run() -> str:
        output = ["--output", str(tmp_path / "p.parquet")]
        said = []
        capsys.readouterr()
        for command, more in ((predict, output), (evaluate, [])):
            assert command.main(["--model", str(model), *TABLE, *more]) == 1
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("error: ")
            said.append(line)
        assert not (tmp_path / "p.parquet").exists()
        return said[0]

    return run


def edit(model: Path, **values: object) -> None:
    card = json.loads((model / "card.json").read_text())
    (model / "card.json").write_text(json.dumps({**card, **values}))


@pytest.mark.parametrize(
    "card",
    [
        *(b"[]", b"", b"null", b"7", b'"card"', b"{}", b"{", b"\xff\xfe{}", b"[" * 100_000),
        *(b'{"head": NaN}', b'{"classes": ["\\ud800", "b"]}'),
        (MADE / "models/logistic/card.json").read_bytes().replace(b'"dark"', b'"d\xe4rk"'),
    ],
    ids=range(12),
)
def test_a_card_that_is_none(model, refused, card):
    (model / "card.json").write_bytes(card)
    assert "cannot read" in refused()


def test_a_card_of_forty_gigabytes_is_not_read(model, refused):
    os.truncate(model / "card.json", 40 << 30)
    assert "is no card: it has more than 1,073,741,824 bytes" in refused()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"classes": ["dark"]}, "it names 1 different classes"),
        ({"classes": []}, "it names 0 different classes"),
        ({"classes": ["dark", "dark"]}, "it names 1 different classes"),
        ({"classes": ["dark", "light", "third"]}, "tells 2 classes apart, its card names 3"),
        ({"classes": "dark light"}, "Expected `array`"),
        ({"contract": None}, "either of features or of images"),
        ({"contract_id": None}, "its contract is not the one"),
        ({"contract_id": "0" * 64}, "its contract is not the one"),
        ({"head": "forest"}, "knows no head 'forest'"),
        ({"head": ["dense"]}, "Expected `str`"),
        ({"rows": None}, "Expected `object`"),
        ({"seconds": "long"}, "Expected `float`"),
        ({"model_sha256": "0" * 64}, "card.json was written with; put back the two that belong"),
        ({"from_the_future": 1}, "unknown field 'from_the_future'"),
    ],
)
def test_a_card_that_is_not_the_model_s(model, refused, values, said):
    edit(model, **values)
    assert said in refused()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"image_size": None}, "Expected `int`, got `null` - at `$.contract.image_size`"),
        ({"image_size": 1.5}, "Expected `int`"),
        ({"layer": 5}, "Expected `str`"),
        ({"newer": True}, "unknown field 'newer'"),
        ({"pooling": "max"}, "its contract is not the one"),
    ],
)
def test_a_contract_that_is_none(model, refused, values, said):
    contract = json.loads((model / "card.json").read_text())["contract"]
    edit(model, contract={**contract, **values})
    assert said in refused()


ODD = [
    *(None, True, 0, -1, 2**70, 0.5, "", "x", "\0", "\ud800", [], [[]], {}, {"a": {}}),
    *(["a", "b"], {"train": None}, "1e999", [None, None], "../../etc/passwd"),
]


def test_no_value_of_any_field_is_more_than_one_line(model):
    card = json.loads((model / "card.json").read_text())
    tried = 0
    for place in (None, "contract", "splits", "metrics", "settings"):
        for name in card if place is None else card[place]:
            for value in ODD:
                changed = copy.deepcopy(card)
                (changed if place is None else changed[place])[name] = value
                (model / "card.json").write_text(json.dumps(changed))
                with contextlib.suppress(FrozenFeaturesError):
                    read_card(model).of_features().canonical_json()
                tried += 1
    assert tried > 700


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")


def page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><html>not found</html>")


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(255 - each for each in data[middle : middle + 64])
    path.write_bytes(data)


def without(member: str, instead: bytes | None = None):
    def change(path: Path) -> None:
        with zipfile.ZipFile(path) as old:
            members = {name: old.read(name) for name in old.namelist()}
        del members[member]
        if instead is not None:
            members[member] = instead
        with zipfile.ZipFile(path, "w") as new:
            for name, data in members.items():
                new.writestr(name, data)

    return change


DAMAGES = [
    (cut, "it is cut short, or no model at all"),
    (lambda path: os.truncate(path, 0), "it is empty"),
    (lambda path: os.truncate(path, path.stat().st_size - 1), "it is cut short"),
    (pointer, "it is a Git LFS pointer; `git lfs pull` fetches the file"),
    (page, "it is an HTML page, as a failed download leaves"),
    (flipped, "Bad CRC-32"),
]
OF_KERAS = [
    (without("config.json"), "no item named 'config.json'"),
    (without("config.json", b"[]"), "list indices"),
    (without("model.weights.h5"), "model.weights.h5"),
    (without("model.weights.h5", b"no HDF5"), "file signature not found"),
]
OF_SKOPS = [
    (without("schema.json"), "no item named 'schema.json'"),
    (without("schema.json", b"{}"), "schema.json"),
]


@pytest.mark.parametrize(
    ("head", "damage", "said"),
    [
        *(("dense", *each) for each in [*DAMAGES, *OF_KERAS]),
        *(("logistic", *each) for each in [*DAMAGES, *OF_SKOPS]),
    ],
)
def test_a_model_s_file_that_is_damaged(model, refused, head, damage, said):
    shutil.copytree(MADE / "models" / head, model, dirs_exist_ok=True)
    if head == "dense":
        (model / "model.skops").unlink()
    path = model / fitted_of(head).file_name
    damage(path)
    line = refused()
    assert line.startswith(f"error: cannot read {path}: {said}") or said in line
    assert line.endswith("; copy it again from where it is whole, or train it again")
    with pytest.raises(ModelError, match="or train it again"):
        load_model(model)


def remove(path: Path) -> None:
    path.unlink()


def dangle(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def fold(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("change", [remove, dangle, fold])
def test_a_model_without_its_file_or_its_card(model, refused, change):
    change(model / "model.skops")
    assert f"{model} has no model.skops, the file of a logistic; copy it again" in refused()
    change(model / "card.json")
    assert f"no model in {model}; classifiers.train makes one" in refused()


def test_a_card_of_a_head_of_another_kind(model, refused):
    shutil.copy(MADE / "models/dense/card.json", model)
    assert f"{model} has no model.keras, the file of a dense; copy it again" in refused()


def test_a_card_of_another_model_of_the_same_kind(model, refused, tmp_path):
    """Its classes would be told of the wrong images: only what the card says of the file tells."""
    table = tmp_path / "features"
    shutil.copytree(MADE / "features", table)
    shutil.rmtree(model)
    for folder, more in ((model, []), (tmp_path / "other", ["--C", "0.5"])):
        assert run_train(table, "logistic", folder, *more) == 0
        assert load_model(folder).card.model_sha256
    shutil.copy(tmp_path / "other/card.json", model)
    assert f"{model / 'model.skops'} is not the file that {model / 'card.json'}" in refused()


def fitted(model: Path):
    return io.load(model / "model.skops")


def test_a_model_of_other_features(model, refused):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    other = make_pipeline(StandardScaler(), LogisticRegression())
    io.dump(other.fit(features, np.arange(20) % 2), model / "model.skops")
    assert f"the model in {model} takes 8 features an image, the table" in refused()
    assert "has 512; model and card do not belong together" in refused()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_says_nan_for_everything(model, refused, value):
    pipeline = fitted(model)
    pipeline[-1].coef_[:] = value
    io.dump(pipeline, model / "model.skops")
    said = refused()
    assert "finite numbers" in said or "holds no trained logistic" in said


@pytest.mark.parametrize(
    "other", [{"a": 1}, "scaler", "unfitted", "regressor", "classes", "shape"], ids=str
)
def test_a_file_that_holds_something_else(model, refused, other):
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = fitted(model)
    if other == "scaler":
        other = pipeline[0]
    elif other == "unfitted":
        other = make_pipeline(StandardScaler(), LogisticRegression())
    elif other == "regressor":
        other = make_pipeline(StandardScaler(), Ridge()).fit(np.eye(4), np.arange(4))
    elif other == "classes":
        pipeline[-1].classes_ = np.array([3, 7])
        other = pipeline
    elif other == "shape":
        pipeline[-1].coef_ = np.zeros((1, 3))
        other = pipeline
    io.dump(other, model / "model.skops")
    assert f"the file of the model in {model} holds no trained logistic (" in refused()


class Lost:
    """A head that is lost with some images."""

    def __init__(self, lost: list[int]) -> None:
        self.lost = lost

    def judge(self, features) -> Judgement:
        scores = np.tile(np.array([0.25, 0.75]), (len(features), 1))
        scores[self.lost, 1] = np.nan
        return Judgement.of_logits(np.log(scores))


def test_an_image_that_a_model_is_lost_with_is_a_failure(model):
    lost = Model(Lost([1, 2]), read_card(model))
    (rows,) = predicting.predict_features(lost, np.zeros((4, 512), np.float32))
    assert rows["predicted"].to_pylist() == ["light", None, None, "light"]
    error = predicting.NOT_FINITE
    assert rows["error"].to_pylist() == [None, error, error, None]
    for name, wanted in (("probability", 0.75), ("score_dark", 0.25), ("score_light", 0.75)):
        found = rows[name].to_pylist()
        assert found == [pytest.approx(wanted), None, None, pytest.approx(wanted)]


def test_where_a_model_is_lost_with_all_images_nothing_was_done(model, tmp_path, monkeypatch):
    monkeypatch.setattr("classifiers.heads.scikit.FittedScikit.judge", lambda _, x: everything(x))
    output = tmp_path / "p.parquet"
    monkeypatch.setattr("classifiers.models.folder.require_sound", lambda *_: None)
    assert predict.main(["--model", str(model), *TABLE, "--output", str(output)]) == 1
    assert pq.read_table(output)["predicted"].null_count == pq.read_table(output).num_rows == 25


def everything(features) -> Judgement:
    return Lost(list(range(len(features)))).judge(features)


def test_scores_that_are_no_numbers_are_not_measured():
    batch: list[Batch] = [(np.zeros((3, 2), np.float32), np.array([0, 1, 1]))]
    with pytest.raises(ModelError, match="no finite scores for 1 of 3 images"):
        evaluation.measure(Lost([2]), batch, ("dark", "light"))


def test_networks_are_held_against_their_cards_too(tmp_path, capsys):
    import keras

    for head in ("dense", "softmax"):
        shutil.copytree(MADE / "models" / head, tmp_path / head)
        load_model(tmp_path / head)
    dense = tmp_path / "dense"
    edit(dense, classes=["a", "b", "c"])
    with pytest.raises(ModelError, match="tells 2 classes apart, its card names 3"):
        load_model(dense)

    shutil.copy(MADE / "models/dense/card.json", dense)
    network = keras.models.load_model(dense / "model.keras")
    network.layers[-1].bias.assign([np.nan])
    network.save(dense / "model.keras")
    with pytest.raises(ModelError, match="no finite numbers"):
        load_model(dense)
    assert evaluate.main(["--model", str(dense), *TABLE]) == 1
    assert "no finite numbers" in capsys.readouterr().err

    pixels = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    pixels.add(keras.layers.Dense(1, activation="sigmoid"))
    pixels.save(dense / "model.keras")
    with pytest.raises(ModelError, match=r"takes arrays of shape \(8, 8, 3\), its card says feat"):
        load_model(dense)
    images = {
        **{"source": "images", "size": 16, "interpolation": "bilinear", "orientation": "ignored"},
        **{"preprocessing": "rescale", "base": None, "weights": None, "parameters": 193},
        **{"trainable_parameters": 193, "trainable_tensors": {"all": 2}},
        **{"left_out": {"train": 0}, "through_base": 0},
    }
    edit(dense, contract=None, contract_id=None, images=images)
    with pytest.raises(ModelError, match="its card says images of 16 pixels"):
        load_model(dense)
    edit(dense, images={**images, "size": 8})
    assert load_model(dense).head.outputs == 2
    for wrong in ({"size": 0}, {"size": 10**9}, {"interpolation": "x"}, {"orientation": "x"}):
        edit(dense, images={**images, **wrong})
        with pytest.raises(ModelError, match="cannot read"):
            read_card(dense)

    inputs = [keras.Input((4,)), keras.Input((4,))]
    two = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.add(inputs)))
    shutil.copy(MADE / "models/dense/card.json", dense)
    two.save(dense / "model.keras")
    with pytest.raises(ModelError, match=r"holds no trained dense .*; train it again$"):
        load_model(dense)


def test_the_columns_of_predictions_are_typed_where_all_are_lost(model):
    lost = Model(Lost([0]), read_card(model))
    (rows,) = predicting.predict_features(lost, np.zeros((1, 512), np.float32))
    assert rows.schema.equals(predicting.prediction_schema(("dark", "light")))
    assert isinstance(rows, pa.Table)


def test_a_head_that_says_nothing_of_itself_is_known_by_its_answers(model):
    other = Model(Lost([]), replace(read_card(model), classes=("dark", "light", "third")))
    features = np.zeros((4, 512), np.float32)
    with pytest.raises(ModelError, match=r"scores of shape \(2,\) .* its card names 3 classes"):
        list(predicting.predict_features(other, features))
    with pytest.raises(ModelError, match="its card names 3 classes"):
        evaluation.measure(other.head, [(features, np.zeros(4, np.int64))], other.card.classes)
