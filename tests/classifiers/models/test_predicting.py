"""predict as a user runs it: from a table, from images, by a base of one's own training."""

import errno
import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import classifiers
import frozen_features as ff
from classifiers import evaluate, predict
from classifiers.models import sources, through_base
from classifiers.models.folder import load_model, read_card
from pipelines import extract
from pipelines.errors import WeightsError
from pipelines.images.splits import TEST
from tests.classifiers.conftest import run_train
from tests.classifiers.history import read_history
from tests.conftest import TINY, write_image


def test_predictions_from_a_table_and_from_images_agree(dataset, table, logistic, tmp_path):
    from_table, from_images = tmp_path / "t.parquet", tmp_path / "i.parquet"
    usual = ["--model", str(logistic), "--output"]
    assert predict.main([*usual, str(from_table), "--table", str(table), "--split", TEST]) == 0
    images = ["--input", str(dataset), "--weights", "random:1"]
    assert predict.main([*usual, str(from_images), *images]) == 0
    one = pq.read_table(from_table).sort_by("image_id")
    other = pq.read_table(from_images).sort_by("image_id")
    other = other.filter(pc.starts_with(other["image_id"], TEST))
    assert other["split"].null_count == other.num_rows == 20
    assert one.column_names == [
        *["image_id", "copy", "label", "split", "predicted", "probability", "error"],
        *["score_dark", "score_light"],
    ]
    assert one.drop_columns(["split", "probability", "score_dark", "score_light"]).equals(
        other.drop_columns(["split", "probability", "score_dark", "score_light"])
    )
    for name in ("probability", "score_dark", "score_light"):
        np.testing.assert_allclose(one[name].to_numpy(), other[name].to_numpy(), rtol=1e-5)

    samples = classifiers.load(str(table), split=TEST)
    judged = load_model(logistic).head.judge(samples.features)
    np.testing.assert_allclose(one["score_light"].to_numpy(), judged.scores[:, 1])
    np.testing.assert_allclose(one["probability"].to_numpy(), judged.probabilities.max(axis=1))
    assert one["predicted"].to_pylist() == [("dark", "light")[k] for k in judged.predicted]


def test_weights_that_were_not_named_are_asked_for(
    dataset, logistic, tmp_path, monkeypatch, capsys
):
    def no_weights(*_):
        raise WeightsError("no source has them")

    monkeypatch.setattr(through_base, "open_without_race", no_weights)
    command = ["--model", str(logistic), "--input", str(dataset), "--output"]
    assert predict.main([*command, str(tmp_path / "predictions.parquet")]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    print_of = read_card(logistic).of_features().weights[:12]
    assert said.startswith(f"error: the model's features were made with weights {print_of}…, which")
    assert said.endswith("(no source has them)")
    assert predict.main([*command, str(tmp_path / "p.parquet"), "--weights", "imagenet"]) == 1
    assert capsys.readouterr().err.strip().endswith("error: no source has them")


@pytest.mark.acceptance
def test_fine_tuning_from_training_to_prediction(dataset, make_job, tmp_path, capsys):
    from pipelines.driver import extract as run

    table, model = tmp_path / "features", tmp_path / "model"
    run(make_job(dataset, table, features=replace(TINY, layer="block4_pool")))
    steps = ["--head_epochs", "2", "--epochs", "1", "--units", "32", "--weights", "random:1"]
    assert run_train(table, "finetune", model, *steps) == 0
    card = json.loads((model / "card.json").read_text())
    assert card["settings"] == {
        "name": "finetune",
        "top": {
            "name": "dense",
            **{"units": 32, "dropout": 0.5, "learning_rate": 2e-5, "epochs": 2, "batch_size": 20},
            **{"keep": "last", "patience": None},
        },
        "unfreeze": None,
        "learning_rate": 1e-5,
        "epochs": 1,
    }
    rows = read_history(model)
    assert [(row["epoch"], row["trainable"]) for row in rows] == [
        ("1", "4"),
        ("2", "4"),
        ("3", "10"),
    ]
    assert (model / "curves.png").is_file()

    result = tmp_path / "result.json"
    capsys.readouterr()
    assert evaluate.main(["--table", str(table), "--model", str(model), "--json", str(result)]) == 0
    usual = ["--model", str(model), "--output"]
    outputs = [tmp_path / "t.parquet", tmp_path / "i.parquet"]
    assert predict.main([*usual, str(outputs[0]), "--table", str(table), "--split", TEST]) == 0
    images = ["--input", str(dataset), "--weights", "random:1"]
    assert predict.main([*usual, str(outputs[1]), *images]) == 0
    one, other = (pq.read_table(path).sort_by("image_id") for path in outputs)
    other = other.filter(pc.starts_with(other["image_id"], TEST))
    right = pc.mean(pc.equal(one["predicted"], one["label"])).as_py()
    assert json.loads(result.read_text())["accuracy"] == right
    np.testing.assert_allclose(one["score_light"], other["score_light"], rtol=1e-4)

    whole = keras.models.load_model(model / "model.keras")
    paths = [dataset / name for name in one["image_id"].to_pylist()]
    pixels = [
        keras.utils.load_img(path, target_size=(32, 32), interpolation="bilinear") for path in paths
    ]
    scores = whole.predict(np.stack([np.asarray(each) for each in pixels]), verbose=0)
    np.testing.assert_allclose(scores[:, 0], one["score_light"], rtol=1e-4)


def test_one_image_is_predicted_without_a_folder_around_it(dataset, logistic, tmp_path, capsys):
    image, output = dataset / "test/light/light001.png", tmp_path / "p.parquet"
    usual = ["--model", str(logistic), "--weights", "random:1", "--output", str(output)]
    assert predict.main([*usual, "--input", str(image)]) == 0
    (row,) = pq.read_table(output).to_pylist()
    assert (row["image_id"], row["predicted"], row["error"]) == (str(image), "light", None)
    assert ff.predict(logistic, input=image, weights="random:1").rows.to_pylist() == [row]
    capsys.readouterr()

    usual.append("--overwrite")
    root = ["--input_root", str(dataset)]
    assert predict.main([*usual, "--input", str(image), *root]) == 2
    assert f"--input_root is for manifests, and {image} is an image" in capsys.readouterr().err
    assert predict.main([*usual, "--input", str(tmp_path / "gone.png")]) == 2
    assert "no folder or manifest at" in capsys.readouterr().err
    (tmp_path / "folder.png").mkdir()
    shutil.copy(image, tmp_path / "folder.png")
    assert predict.main([*usual, "--input", str(tmp_path / "folder.png")]) == 0
    assert pq.read_table(output)["image_id"].to_pylist() == ["light001.png"]
    (tmp_path / "broken.PNG").write_bytes(b"no image")
    assert predict.main([*usual, "--input", str(tmp_path / "broken.PNG")]) == 1
    assert "not a JPEG" in pq.read_table(output)["error"].to_pylist()[0]


def test_a_head_on_features_is_measured_on_images_as_on_their_table(
    dataset, table, logistic, tmp_path, capsys
):
    images = tmp_path / "images"
    shutil.copytree(dataset / "test", images / "test")
    results = [tmp_path / "images.json", tmp_path / "table.json"]
    usual = ["--model", str(logistic), "--json"]
    of_images = ["--input", str(images), "--weights", "random:1"]
    assert evaluate.main([*usual, str(results[0]), *of_images]) == 0
    assert evaluate.main([*usual, str(results[1]), "--table", str(table)]) == 0
    one, other = (json.loads(path.read_text()) for path in results)
    assert (one.pop("input"), one.pop("left_out")) == (str(images), 0)
    assert (other.pop("table"), other.pop("table_version")) == (str(table), 1)
    assert one.pop("log_loss") == pytest.approx(other.pop("log_loss"), rel=1e-4)
    assert one == other

    (images / "test/dark/broken.png").write_bytes(b"no image")
    write_image(images / "test/grey/one.png", seed=5)
    capsys.readouterr()
    report = ff.evaluate(logistic, input=images, weights="random:1")
    assert (report.measured.images, report.source["left_out"]) == (20, 1)
    assert report.source["unknown_classes"] == {"grey": 1}
    assert report.measured.accuracy == one["accuracy"]
    assert "left out, because it cannot be used: test/dark/broken.png" in capsys.readouterr().err

    for path in images.rglob("*.png"):
        path.write_bytes(b"no image")
    assert evaluate.main(["--model", str(logistic), *of_images]) == 2
    assert "no image of split 'test' can be used: test/dark/broken" in capsys.readouterr().err


def test_what_evaluating_a_head_on_images_says_of_mistakes(dataset, table, logistic, capsys):
    usual = ["--model", str(logistic)]
    image = str(dataset / "test/dark/dark000.png")
    for status, options, said in (
        (1, ["--input", str(dataset), "--weights", "random:2"], "name the same weights with"),
        (2, ["--input", str(dataset), "--weights", "random:x"], "the seed must be a whole number"),
        (2, ["--table", str(table), "--weights", "random:1"], "--weights has no meaning with --t"),
        (2, ["--table", str(table), "--input_root", "x"], "--input_root has no meaning with --t"),
        (2, ["--input", image], f"{image} is one image; name the folder that it is in"),
    ):
        assert evaluate.main([*usual, *options]) == status
        assert said in capsys.readouterr().err.splitlines()[-1]


def test_an_unusable_image_gets_a_row_that_says_why(dataset, logistic, tmp_path):
    shutil.copytree(dataset / "test", tmp_path / "images/test")
    (tmp_path / "images/test/dark/broken.png").write_bytes(b"no image")
    output = tmp_path / "p.parquet"
    images = ["--input", str(tmp_path / "images"), "--weights", "random:1"]
    assert predict.main(["--model", str(logistic), "--output", str(output), *images]) == 0
    rows = {row["image_id"]: row for row in pq.read_table(output).to_pylist()}
    assert len(rows) == 21
    broken = rows.pop("test/dark/broken.png")
    assert broken["error"] == "not a JPEG, PNG, GIF, BMP, TIFF, WEBP or PPM image"
    assert broken["predicted"] is broken["probability"] is broken["score_dark"] is None
    assert all(row["error"] is None and row["predicted"] for row in rows.values())


def test_features_of_another_contract_are_refused(dataset, logistic, tmp_path, capsys):
    table = tmp_path / "features"
    options = ["--weights", "random:1", "--image_size", "32", "--preprocessing", "rescale"]
    assert extract.main(["--input", str(dataset), "--table", str(table), *options]) == 0
    output = tmp_path / "p.parquet"
    for command, more in ((evaluate, []), (predict, ["--output", str(output)])):
        assert command.main(["--table", str(table), "--model", str(logistic), *more]) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert "preprocessing: imagenet in the model, rescale in the table" in error
    images = ["--input", str(dataset), "--weights", "random:2", "--output", str(output)]
    assert predict.main(["--model", str(logistic), *images]) == 1
    assert "name the same weights with --weights" in capsys.readouterr().err
    assert not output.exists()


def test_predictions_are_written_through_no_link(table, logistic, tmp_path):
    """Neither at the name itself, nor at any name that a draft might be expected to have."""
    victim, output = tmp_path / "victim", tmp_path / "q.parquet"
    victim.write_text("precious")
    for name in (".q.parquet.part", "q.parquet.part", ".q.parquet.tmp", "q.parquet"):
        (tmp_path / name).symlink_to(victim)
    usual = ["--model", str(logistic), "--table", str(table), "--overwrite"]
    assert predict.main([*usual, "--output", str(output)]) == 0
    assert victim.read_text() == "precious"
    assert not output.is_symlink()
    assert pq.read_table(output).num_rows == 88


def test_predictions_that_break_off_leave_what_was_there(table, logistic, tmp_path, monkeypatch):
    def broken(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    monkeypatch.setattr(sources, "predict_table", broken)
    (tmp_path / "q.parquet").write_text("of yesterday")
    usual = ["--model", str(logistic), "--table", str(table), "--overwrite"]
    assert predict.main([*usual, "--output", str(tmp_path / "q.parquet")]) == 1
    assert [path.read_text() for path in tmp_path.iterdir()] == ["of yesterday"]
