"""train, evaluate and predict on the features of two tables side by side, as a user runs them."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import frozen_features as ff
from classifiers import audit, evaluate, export, predict, promote, refit
from pipelines.errors import UsageError
from tests.classifiers.conftest import run_train
from tests.classifiers.several.tables import ROWS, drawn, write_several
from tests.pipelines.test_contract import CONTRACT

OTHER = replace(CONTRACT, base="ResNet50", weights="def")


def whole(split):
    """Rows of one label each, features of one base and, of the same images, of another."""
    rows, features = drawn(split)
    single = [(name, "cat" if "cat" in said else "other") for name, said in rows]
    noise = np.random.default_rng(len(split) + 100).normal(0, 1, (len(rows), 5))
    more = (noise + [[float("cat" in said)] for _, said in rows]).astype(np.float32)
    return single, features, more


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Tables of two contracts: the second has its rows in another order, and not all of them."""
    folder = tmp_path_factory.mktemp("two")
    first, second = {}, {}
    for split in ROWS:
        rows, features, more = whole(split)
        first[split] = (rows, features)
        second[split] = (rows[:2:-1], more[:2:-1])
    write_several(folder / "a", first)
    write_several(folder / "b", second, OTHER)
    return folder / "a", folder / "b"


@pytest.fixture(scope="module")
def both(tables, tmp_path_factory):
    """A logistic regression on both; tests must not change it."""
    first, second = map(str, tables)
    model = tmp_path_factory.mktemp("models") / "both"
    assert run_train(first, "logistic", model, "--also_table", second, "--C", "0.1") == 0
    return model


def side_by_side(split):
    rows, features, more = whole(split)
    return rows[3:], np.concatenate([features, more], axis=1)[3:]


def theirs():
    rows, features = side_by_side("train")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    return model.fit(features, [label for _, label in rows])


def on(tables, model):
    first, second = map(str, tables)
    return ["--model", str(model), "--table", first, "--also_table", second]


def test_the_features_are_those_of_both_by_image(tables, both, tmp_path):
    output, file = tmp_path / "p.parquet", tmp_path / "m.json"
    options = on(tables, both)
    assert predict.main([*options, "--split", "test", "--output", str(output)]) == 0
    rows, features = side_by_side("test")
    found = pq.read_table(output).to_pydict()
    assert found["image_id"] == [name for name, _ in rows]
    wanted = theirs().predict_proba(features).max(axis=1)
    np.testing.assert_allclose(found["probability"], wanted, atol=1e-6)
    assert evaluate.main([*options, "--json", str(file)]) == 0
    measured = json.loads(file.read_text())
    assert measured["images"] == 37
    right = theirs().predict(features) == [label for _, label in rows]
    assert measured["accuracy"] == pytest.approx(right.mean())
    assert measured["also"] == [{"table": str(tables[1]), "table_version": 1}]
    held = ff.predict(both, features=features).rows["probability"].to_numpy()
    np.testing.assert_allclose(held, wanted, atol=1e-6)


def test_the_card_names_both_and_what_was_left_out_is_said(tables, both, tmp_path, capsys):
    first, second = map(str, tables)
    ff.train(first, also_table=second, model=tmp_path / "m", head="logistic", C=0.1)
    told = capsys.readouterr().err
    assert f"left out of split 'train' of {first}: 3 rows that {second} does not have" in told
    card = json.loads((both / "card.json").read_text())
    assert card["rows"] == {"train": 57, "validation": 21}
    assert (card["table"], card["contract_id"]) == (first, CONTRACT.contract_id)
    (beside,) = card["beside"]
    assert (beside["table"], beside["contract_id"]) == (second, OTHER.contract_id)
    assert beside["table_version"] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: ("train", [(n, "cat") for n, _ in rows]), "images have another label in"),
        (lambda rows: ("test", rows), "images have another split in"),
        (lambda rows: ("train", [(f"x{n}", said) for n, said in rows]), "no image of split"),
    ],
)
def test_tables_that_contradict_each_other_are_refused(tables, tmp_path, capsys, change, said):
    rows, _, more = whole("train")
    split, others = change(rows)
    write_several(tmp_path / "c", {split: (others, more)}, OTHER)
    options = ["--also_table", str(tmp_path / "c"), "--validation_split", "none"]
    assert run_train(tables[0], "logistic", tmp_path / "m", *options) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert said in line
    assert "'train/0" in line or said == "no image of split"


def test_a_label_that_the_other_table_does_not_have_is_no_other(tables, tmp_path):
    rows, _, more = whole("train")
    write_several(tmp_path / "c", {"train": ([(name, None) for name, _ in rows], more)}, OTHER)
    options = ["--also_table", str(tmp_path / "c"), "--validation_split", "none"]
    assert run_train(tables[0], "logistic", tmp_path / "m", *options) == 0


def test_labels_of_several_tables(tmp_path):
    write_several(tmp_path / "a", {split: drawn(split) for split in ROWS})
    second = {split: (drawn(split)[0], whole(split)[2]) for split in ROWS}
    write_several(tmp_path / "b", second, OTHER)
    also = ["--also_table", str(tmp_path / "b")]
    assert run_train(tmp_path / "a", "ridge", tmp_path / "m", *also) == 0
    options = on((tmp_path / "a", tmp_path / "b"), tmp_path / "m")
    assert evaluate.main(options) == 0
    output = tmp_path / "p.parquet"
    assert predict.main([*options, "--output", str(output)]) == 0
    found = pq.read_table(output)
    assert found.num_rows == sum(ROWS.values())
    order = {name: said for split in ROWS for name, said in drawn(split)[0]}
    assert found["labels"].to_pylist() == [order[name] for name in found["image_id"].to_pylist()]


def test_what_takes_one_table_says_so(tables, both, tmp_path, capsys):
    first, second = map(str, tables)
    model = ["--model", str(both)]
    for command, options, said in (
        (evaluate, ["--table", first], f"it was trained with --also_table {second}"),
        (evaluate, ["--input", first], "takes the features of 2 tables side by side"),
        (audit, ["--table", first], "takes the features of 2 tables side by side"),
        (export, ["--format", "onnx", "--output", str(tmp_path / "x.onnx")], "of 2 tables"),
    ):
        assert command.main([*model, *options]) == 2, command
        (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
        assert said in line, command
    (tmp_path / "i.png").write_bytes(b"x")
    with pytest.raises(UsageError, match="extract the images into tables of the same options"):
        ff.predict(both, input=tmp_path / "i.png")
    assert run_train(first, "logistic", tmp_path / "m", "--also_table", first) == 2
    assert "is named twice" in capsys.readouterr().err
    small = ["--also_table", second, "--memory", "5K"]
    assert run_train(first, "logistic", tmp_path / "m", *small) == 2
    assert "features of several tables have to be held" in capsys.readouterr().err
    assert evaluate.main(on(tables[::-1], both)) == 2
    assert "base: VGG16 in the model, ResNet50 in" in capsys.readouterr().err


def test_it_is_trained_again_and_promoted_with_both(tables, both, tmp_path):
    assert refit.main(["--model", str(both), "--to", str(tmp_path / "again")]) == 0
    cards = [json.loads((each / "card.json").read_text()) for each in (both, tmp_path / "again")]
    assert cards[0]["metrics"] == cards[1]["metrics"]
    assert cards[0]["beside"] == cards[1]["beside"]
    to = ["--to", str(tmp_path / "versions"), "--if", "accuracy>=0.5"]
    assert promote.main([*on(tables, both), *to]) == 0
    assert (tmp_path / "versions").is_dir()
