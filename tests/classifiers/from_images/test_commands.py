"""train, evaluate and predict on images, as a user runs them."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pyarrow.parquet as pq
import pytest

from classifiers import evaluate, predict, train
from classifiers.from_images.image_set import EpochPlan, ImageSet
from classifiers.models.folder import load_model, read_card
from pipelines.bases import WeightsRequest
from pipelines.contract import Augmentation
from pipelines.engines.opening import open_base
from pipelines.images.listing import list_images
from pipelines.images.loading import load_image
from tests.classifiers.conftest import run_train
from tests.classifiers.from_images.conftest import PIXELS
from tests.classifiers.history import read_history
from tests.conftest import write_dataset

SMALL = ["--image_size", "32", "--weights", "random:1", "--units", "8", "--batch_size", "8"]

THROUGH_BASE = 4 * (48 + 20)
"""Three epochs of training and validation images, and once more to measure."""


def run_on_images(images, head, model, *more):
    options = ["--from_images", str(images), "--head", head, "--model", str(model)]
    return train.main([*options, *more])


@pytest.fixture(scope="module")
def tuned(dataset, tmp_path_factory):
    """A fine-tuned model; its training took as many images as `THROUGH_BASE` says."""
    folder = tmp_path_factory.mktemp("models") / "tuned"
    taken = 0

    def counted(batches):
        def count(*arguments):
            nonlocal taken
            for batch in batches(*arguments):
                taken += len(batch[1])
                yield batch

        return count

    rates = ["--epochs", "2", "--learning_rate", "0.0001", "--head_epochs", "1", "--seed", "5"]
    with pytest.MonkeyPatch.context() as patch:
        for kind in (EpochPlan, ImageSet):
            patch.setattr(kind, "batches", counted(kind.batches))
        assert run_on_images(dataset, "finetune", folder, *SMALL, *rates, "--rotation", "10") == 0
    assert taken == THROUGH_BASE
    return folder


def test_a_training_writes_a_model_folder(dataset, tuned):
    names = {path.name for path in tuned.iterdir()}
    pictures = {"curves.png", "confusion.png"}
    assert names == {"model.keras", "card.json", "history.csv", *pictures}
    card = json.loads((tuned / "card.json").read_text())
    of_features = ("contract", "contract_id", "table", "table_version")
    assert [card[name] for name in of_features] == [None] * 4
    assert (card["head"], card["seed"], card["classes"]) == ("finetune", 5, ["dark", "light"])
    assert card["settings"] == {
        "name": "finetune",
        "base": "VGG16",
        "preprocessing": "imagenet",
        "units": 8,
        "dropout": 0.0,
        "batch_size": 8,
        "head_epochs": 1,
        "head_learning_rate": 2e-5,
        "unfreeze": "block5_conv1",
        "epochs": 2,
        "learning_rate": 1e-4,
        "keep": "last",
        "patience": None,
    }
    images = card["images"]
    base = open_base("VGG16", 32, WeightsRequest("random", seed=1))
    assert images.pop("weights") == base.fingerprint
    assert images == {
        "source": str(dataset),
        "size": 32,
        "interpolation": "bilinear",
        "orientation": "ignored",
        "preprocessing": "imagenet",
        "base": "VGG16",
        "parameters": 14_714_688 + 513 * 8 + 9,
        "trainable_parameters": 3 * (512 * 512 * 9 + 512) + 513 * 8 + 9,
        "trainable_tensors": {"whole": 30, "frozen": 4, "unfrozen": 10},
        "left_out": {"train": 0, "validation": 0},
        "through_base": THROUGH_BASE,
    }
    assert card["copies"] == 3
    assert card["augmentation"] == asdict(Augmentation(rotation=10.0, seed=5))
    assert card["rows"] == {"train": 48, "validation": 20}
    assert card["cpu_seconds"] > 0
    rows = read_history(tuned)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [row["trainable"] for row in rows] == ["4", "10", "10"]
    assert all(float(row["seconds"]) > 0 and float(row["cpu_seconds"]) > 0 for row in rows)
    measured = card["metrics"]["validation"]
    assert float(rows[-1]["val_loss"]) == pytest.approx(measured["log_loss"], rel=1e-4)
    assert float(rows[-1]["val_accuracy"]) == pytest.approx(measured["accuracy"])


@pytest.mark.acceptance
def test_without_this_project_the_model_predicts_the_same(dataset, tuned, tmp_path):
    output = tmp_path / "p.parquet"
    options = ["--model", str(tuned), "--output", str(output)]
    assert predict.main([*options, "--input", str(dataset)]) == 0
    predictions = pq.read_table(output).sort_by("image_id")
    refs = list_images(str(dataset))
    assert predictions["image_id"].to_pylist() == [ref.image_id for ref in refs]
    pixels = np.stack([load_image(ref, PIXELS).pixels for ref in refs])
    np.save(tmp_path / "pixels.npy", pixels)
    code = (
        "import sys\n"
        "sys.modules['pipelines'] = sys.modules['classifiers'] = None  # importing them fails\n"
        "import keras, numpy as np\n"
        "model = keras.models.load_model(sys.argv[1], safe_mode=True)\n"
        "np.save('found.npy', model.predict(np.load('pixels.npy'), verbose=0))"
    )
    command = [sys.executable, "-I", "-c", code, str(tuned / "model.keras")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = np.load(tmp_path / "found.npy")[:, 0]
    assert found.std() > 1e-3
    np.testing.assert_allclose(predictions["score_light"].to_numpy(), found, rtol=1e-4, atol=1e-6)
    predicted = ["light" if each > 0.5 else "dark" for each in found]
    assert predictions["predicted"].to_pylist() == predicted


@pytest.mark.acceptance
def test_evaluation_agrees_with_the_predictions(dataset, tuned, tmp_path, capsys):
    result, output = tmp_path / "result.json", tmp_path / "p.parquet"
    images = ["--model", str(tuned), "--input", str(dataset)]
    assert evaluate.main([*images, "--json", str(result)]) == 0
    assert re.search(r"finetune +test +20 ", capsys.readouterr().out)
    assert predict.main([*images, "--output", str(output)]) == 0
    rows = [row for row in pq.read_table(output).to_pylist() if row["image_id"].startswith("test/")]
    values = json.loads(result.read_text())
    assert values["accuracy"] == np.mean([row["predicted"] == row["label"] for row in rows])
    of_truth = [row[f"score_{row['label']}"] for row in rows]
    assert values["log_loss"] == pytest.approx(-np.log(of_truth).mean(), rel=1e-4)
    assert (values["images"], values["input"], values["left_out"]) == (20, str(dataset), 0)


@pytest.mark.acceptance
def test_the_same_seed_gives_the_same_model(dataset, tmp_path):
    more = ["--image_size", "48", "--epochs", "1", "--units", "8", "--augmented", "true"]
    losses = []
    for name in ("one", "same"):
        assert run_on_images(dataset, "convnet", tmp_path / name, *more) == 0
        losses.append(read_card(tmp_path / name).metrics["validation"]["log_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    images = read_card(tmp_path / "one").images
    assert (images.base, images.weights, images.through_base) == (None, None, 0)
    assert images.preprocessing == "rescale"


@pytest.mark.acceptance
def test_bad_images_cost_themselves_only(dataset, tuned, tmp_path, capsys):
    images = tmp_path / "images"
    shutil.copytree(dataset, images)
    for split in ("train", "test"):
        (images / split / "dark/broken.png").write_bytes(b"no image")
    more = ["--image_size", "48", "--epochs", "1", "--units", "8", "--validation_split", "test"]
    assert run_on_images(images, "convnet", tmp_path / "m", *more) == 0
    error = capsys.readouterr().err
    assert "train: left out, because it cannot be used: train/dark/broken.png (not a" in error
    card = read_card(tmp_path / "m")
    assert card.rows == {"train": 48, "validation": 20}
    assert card.images.left_out == {"train": 1, "validation": 1}

    result, output = tmp_path / "r.json", tmp_path / "p.parquet"
    model = ["--model", str(tuned), "--input", str(images)]
    assert evaluate.main([*model, "--json", str(result)]) == 0
    assert "left out, because it cannot be used: test/dark/broken.png" in capsys.readouterr().err
    assert json.loads(result.read_text())["left_out"] == 1
    assert predict.main([*model, "--output", str(output)]) == 0
    rows = {row["image_id"]: row for row in pq.read_table(output).to_pylist()}
    assert (
        rows["test/dark/broken.png"]["error"]
        == "not a JPEG, PNG, GIF, BMP, TIFF, WEBP or PPM image"
    )
    assert sum(row["error"] is None for row in rows.values()) == 88


def test_a_split_of_bad_images_cannot_be_measured(tuned, tmp_path, capsys):
    for label in ("dark", "light"):
        (tmp_path / "images/test" / label).mkdir(parents=True)
        (tmp_path / "images/test" / label / "broken.png").write_bytes(b"no image")
    images = ["--input", str(tmp_path / "images")]
    assert evaluate.main(["--model", str(tuned), *images]) == 2
    assert "no image of split 'test' can be used: test/dark/broken.png (not" in complaint(capsys)


@pytest.mark.acceptance
def test_many_classes_from_a_manifest(tmp_path):
    classes = ("a", "b", "c")
    images = write_dataset(tmp_path / "images", {"train": 4}, classes)
    paths = sorted(images.rglob("*.png"))
    lines = [f"{path.relative_to(images)},{path.parent.name},train" for path in paths]
    (tmp_path / "list.csv").write_text("path,label,split\n" + "\n".join(lines) + "\n")
    more = ["--input_root", str(images), "--image_size", "48", "--epochs", "1", "--units", "8"]
    manifest, model = tmp_path / "list.csv", tmp_path / "m"
    assert run_on_images(manifest, "convnet", model, *more, "--class_weight", "balanced") == 0
    card = read_card(model)
    assert card.classes == classes
    assert card.splits == {"train": "train", "validation": None}
    assert card.class_weight == {"a": 1.0, "b": 1.0, "c": 1.0}
    assert len(card.metrics["train"]["confusion"]) == 3
    output = tmp_path / "p.parquet"
    options = ["--model", str(model), "--input", str(images), "--output", str(output)]
    assert predict.main(options) == 0
    scores = pq.read_table(output).select([f"score_{name}" for name in classes])
    np.testing.assert_allclose(np.sum([each.to_numpy() for each in scores], axis=0), 1, rtol=1e-5)


def test_a_card_of_an_earlier_version_reads_as_before(logistic, tmp_path):
    model = shutil.copytree(logistic, tmp_path / "m")
    card = read_card(model)
    values = json.loads((model / "card.json").read_text())
    for name in ("images", "cpu_seconds", "copies", "augmentation"):
        del values[name]
    (model / "card.json").write_text(json.dumps(values))
    older = read_card(model)
    assert older.of_features() == card.contract
    assert (older.images, older.cpu_seconds) == (None, None)
    assert (older.metrics, older.table) == (card.metrics, card.table)


MISTAKES = [
    (train, ["--head", "logistic"], 2, "--head logistic is for --table; --from_images has convnet"),
    (train, ["--table", "features"], 2, "not allowed with argument"),
    (train, ["--copies", "2"], 2, "--copies is for --table, not for --from_images"),
    (train, ["--weights", "random"], 2, "--weights has no meaning with .* --head convnet"),
    (train, ["--preprocessing", "rescale"], 2, "--preprocessing has no meaning with"),
    (train, ["--head", "dense", "--unfreeze", "x"], 2, "--unfreeze has no meaning with .* dense"),
    (train, ["--zoom", "0.1"], 2, "--zoom says how images are transformed; --augmented true"),
    (train, ["--augmented", "yes"], 2, "--augmented: 'yes' is neither true nor false"),
    (train, ["--dropout", "1"], 2, "--dropout: .1. is not at least 0 and below 1"),
    (train, ["--image_size", "40"], 2, "at least 46 pixels, not --image_size 40"),
    (train, ["--from_images", "{tmp}/nowhere"], 2, "no folder or manifest at"),
    (train, ["--train_split", "dev"], 2, "no images of split 'dev', there are test, train, val"),
    (train, ["--validation_split", "dev"], 2, "no images of split 'dev'"),
    (train, ["--validation_split", "train"], 2, "is the split that is trained on"),
    (train, ["--memory", "100K"], 2, "68 images of 150 x 150 take 4.59 MB of memory, and 100 kB"),
    (train, ["--class_weight", "cat=2"], 2, "--class_weight: no class 'cat'"),
    (train, ["--model", "{tuned}"], 2, "holds a model; name another"),
    (train, ["--head", "dense", "--weights", "{tmp}/file"], 2, "a weights file ends in"),
    (evaluate, ["--split", "dev"], 2, "no images of split 'dev'"),
    (evaluate, ["--weights", "random:1"], 2, "--weights has no meaning here: this model holds"),
    (evaluate, ["--table_version", "1"], 2, "--table_version has no meaning with --input"),
    (predict, ["--weights", "random:1"], 2, "--weights has no meaning here: this model holds"),
]


def complaint(capsys):
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    (line,) = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    return line


@pytest.mark.parametrize(("command", "change", "status", "message"), MISTAKES)
def test_mistakes_get_one_line(
    dataset, tuned, logistic, tmp_path, capsys, command, change, status, message
):
    (tmp_path / "file").write_text("x")
    new, model = ["--model", str(tmp_path / "new")], ["--model", str(tuned)]
    usual = {
        train: ["--from_images", str(dataset), "--head", "convnet", *new],
        evaluate: ["--input", str(dataset), *model],
        predict: ["--input", str(dataset), *model, "--output", str(tmp_path / "p.parquet")],
    }[command]
    changed = [each.format(tmp=tmp_path, tuned=tuned, logistic=logistic) for each in change]
    assert command.main([*usual, *changed]) == status
    line = complaint(capsys)
    assert re.search(message, line), line
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_table_is_nothing_for_a_model_that_reads_images(table, tuned, tmp_path, capsys):
    usual = ["--table", str(table), "--model", str(tuned)]
    for command, more in ((evaluate, []), (predict, ["--output", str(tmp_path / "p.parquet")])):
        assert command.main([*usual, *more]) == 2
        assert "this model reads images, not features; name them with --input" in complaint(capsys)


@pytest.mark.parametrize(
    ("head", "more", "message"),
    [
        ("convnet", [], "--head convnet is for --from_images, not for --table"),
        ("dense", ["--augmented", "true"], "--augmented is for --from_images, not for --table"),
        ("logistic", ["--image_size", "64"], "--image_size is for --from_images, not for --table"),
    ],
)
def test_options_of_images_are_nothing_for_a_table(table, tmp_path, capsys, head, more, message):
    assert run_train(table, head, tmp_path / "m", *more) == 2
    assert message in complaint(capsys)


@pytest.mark.acceptance
def test_a_network_on_images_is_calibrated_on_those_validated_on(dataset, tmp_path):
    options = ["--image_size", "48", "--units", "8", "--epochs", "1", "--calibrate"]
    more = ["--calibrate_by", "isotonic"]
    assert run_on_images(dataset, "convnet", tmp_path / "m", *options, *more) == 0
    found = read_card(tmp_path / "m").decisions
    assert (found.split, found.images, found.folds) == ("validation", 20, None)
    judged = load_model(tmp_path / "m").judge(np.zeros((1, 48, 48, 3), np.float32))
    (curve,) = found.isotonic
    scores, shares = zip(*curve, strict=True)
    wanted = np.interp(judged.own_ranking[0, 1], scores, shares)
    np.testing.assert_allclose(judged.probabilities[0], [1 - wanted, wanted])
