"""drift as a user runs it, on tables of made-up features."""

import json
from dataclasses import replace

import numpy as np
import pytest

import classifiers
import frozen_features as ff
from classifiers import drift
from classifiers.drifting.comparing import compare
from classifiers.drifting.side import Side
from tests.classifiers import tables
from tests.classifiers.tables import write_table

FAST = ["--permutations", "99"]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drifting") / "table"
    splits = {"train": 4, "test": 4}
    write_table(folder, splits, ("a", "b"))
    return str(folder)


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """The same images, of which one has another vector and class b another place."""
    folder = tmp_path_factory.mktemp("moved") / "table"
    block = tables.FeatureBlock

    def changed(sources, features):
        ids = [source.ref.image_id for source in sources]
        features = features + np.float32(3) * (sources[0].ref.label == "b")
        if "train/a/000-03.jpg" in ids:
            features[3] = -features[3]
        return block(sources, features)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "FeatureBlock", changed)
        write_table(folder, {"train": 4, "test": 4}, ("a", "b"))
    return str(folder)


def test_splits_of_one_distribution_raise_no_alarm(made_up, tmp_path, capsys):
    result = tmp_path / "result.json"
    options = ["--split", "test", "--against_split", "train", "--fail_if", "drift,classes"]
    assert drift.main(["--table", made_up, *options, *FAST, "--json", str(result)]) == 0
    said = json.loads(result.read_text())
    assert (said["images"], said["shared"], said["alarms"]) == ([64, 64], 0, [])
    assert [each["images"] for each in said["classes"]] == [[32, 32], [32, 32]]
    assert "no drift was found, at a level of 0.05" in capsys.readouterr().out
    first, second = (classifiers.load(made_up, split) for split in ("train", "test"))
    one, other = (
        each.features / np.linalg.norm(each.features, axis=1)[:, None] for each in (first, second)
    )
    distances = 1 - (other @ one.T).max(axis=1)
    order = np.argsort(-distances)[:10]
    assert [each["image_id"] for each in said["moved"]] == list(second.ids[order])
    assert [each["distance"] for each in said["moved"]] == pytest.approx(distances[order], abs=1e-5)


def test_a_class_that_drifted_is_named_and_ends_with_a_status(made_up, moved, capsys):
    given = ["--table", moved, "--against", made_up, *FAST]
    assert drift.main(given) == 0
    assert "the images drifted" in capsys.readouterr().out
    assert drift.main([*given, "--fail_if", "classes"]) == 1
    report = ff.drift(moved, against=made_up, permutations=99)
    assert report.alarms == ("drift", "classes")
    assert report.drifted_classes == ("b",)
    assert report.shared == 128
    furthest = report.moved[0]
    assert (furthest.image_id, furthest.label) == ("train/a/000-03.jpg", "a")
    assert furthest.distance == pytest.approx(2)
    assert all(each.label == "b" for each in report.moved[1:])


def side(count, labels=None, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)
    ids = np.array([f"{seed}-{number:04d}" for number in range(count)], object)
    return Side("s", ids, np.array([labels] * count, object), vectors)


def test_images_without_labels_of_one_class_and_all_equal_can_be_compared():
    assert compare(side(20), side(30, seed=1), 0.05, 99, 3, 0).classes == ()
    assert "no image has a label" in str(compare(side(20), side(30, seed=1), 0.05, 19, 3, 0))
    (only,) = compare(side(20, "a"), side(30, "a", 1), 0.05, 99, 3, 0).classes
    assert (only.label, only.images, only.shares) == ("a", (20, 30), (1.0, 1.0))
    equal = [
        replace(each, vectors=np.ones((len(each.ids), 6), np.float32))
        for each in (side(20), side(30, seed=1))
    ]
    report = compare(*equal, 0.05, 99, 3, 0)
    assert (report.classifier.p, report.mmd.p, report.moved, report.alarms) == (1, 1, (), ())


def test_the_same_seed_says_the_same(made_up):
    first = ff.drift(made_up, split="test", against_split="train", permutations=19, seed=3)
    again = ff.drift(made_up, split="test", against_split="train", permutations=19, seed=3)
    assert first == again


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--split", "test"], 2, "both sides are the same images; name another table, version"),
        (["--split", "none", "--against_split", "test"], 1, "none"),
        (["--fail_if", "rain"], 2, "'rain' is not of drift, classes"),
        (["--alpha", "1"], 2, "'1' is not a number above 0 and below 1"),
    ],
)
def test_mistakes_get_one_line(made_up, options, status, message, capsys):
    assert drift.main(["--table", made_up, *options]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_one_image_other_contracts_and_no_numbers_are_refused(tmp_path, made_up, capsys):
    block = tables.FeatureBlock
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROWS", 1)
        write_table(tmp_path / "one", {"train": 1}, ("a",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "CONTRACT", replace(tables.CONTRACT, layer="block4_pool"))
        write_table(tmp_path / "other", {"train": 1}, ("a",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "FeatureBlock", lambda s, f: block(s, f * np.float32(np.nan)))
        write_table(tmp_path / "nan", {"train": 1}, ("a",))
    wanted = {
        "one": (1, "has 1 image, and what has drifted shows in 10 or more only"),
        "other": (2, "layer: block5_pool in --against, block4_pool in --table"),
        "nan": (1, "features of 16 rows of"),
    }
    for name, (status, message) in wanted.items():
        assert drift.main(["--table", str(tmp_path / name), "--against", made_up]) == status
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line


@pytest.fixture
def updated(tmp_path):
    """A table of 64 images at its first version; a function commits further ones."""
    table = write_table(tmp_path / "t", {"train": 4}, ("a", "b"))

    def add(count, away):
        values = np.random.default_rng(count).normal(size=(count, tables.LENGTH)) * 1.5 + away
        tables.add_file(table, "new", "train", values.astype(np.float32), label="a")
        return table.uri

    return add


def test_what_an_update_brought_is_not_hidden_by_what_it_left(updated):
    uri = updated(30, 20.0)
    report = ff.drift(uri, against=uri, against_version=1, permutations=99)
    assert (report.images, report.shared, report.tested) == ((64, 94), 64, 30)
    assert report.alarms == ("drift", "classes")
    assert report.drifted_classes == ("a",)
    assert (report.classes[0].images, report.classes[1].mmd) == ((32, 62), None)
    assert len(report.moved) == 10
    assert all(each.image_id.startswith("train/new/") for each in report.moved)
    before, after = (classifiers.load(uri, version=version) for version in (1, 2))
    new = np.char.startswith(after.ids.astype(str), "train/new/")
    one, other = (
        each / np.linalg.norm(each, axis=1)[:, None]
        for each in (before.features, after.features[new])
    )
    furthest = np.sort(1 - (other @ one.T).max(axis=1))[::-1][:10]
    assert [each.distance for each in report.moved] == pytest.approx(furthest, abs=1e-5)


@pytest.mark.parametrize("count", [3, 0])
def test_an_update_of_few_images_or_none_is_no_error_and_no_alarm(updated, tmp_path, capsys, count):
    if count:
        uri = updated(count, 20.0)
    else:  # merged files hold the same images
        uri = str(tmp_path / "t")
        ff.tidy(uri)
    given = ["--table", uri, "--against", uri, "--against_version", "1"]
    assert drift.main([*given, "--fail_if", "drift,classes"]) == 0
    said = capsys.readouterr().out
    assert f"tested  {count} of the second, which are new or have changed" in said
    assert "too few images to tell of drift, which takes 10" in said
    assert len(ff.drift(uri, against=uri, against_version=1).moved) == count
