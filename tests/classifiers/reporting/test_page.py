"""The page without a browser: what is in it, and that nothing in it can become more."""

import base64
import io
import json
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

import frozen_features as ff
from classifiers import report
from classifiers.data.dataset import load
from classifiers.models.folder import load_model
from pipelines.records import as_label
from pipelines.table.schema import LABELS
from tests.classifiers.conftest import run_train
from tests.classifiers.reporting.pages import Parsed, places_elsewhere
from tests.classifiers.reporting.tables import colour_of, two_classes, write_rows

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "]]>&lt;&amp;'`${alert(1)}",
    "\u2028\u2029\u202egnp.exe",
    "@@SCRIPT@@ @@DATA@@",
    "ünïcode 日本.png",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reported")
    two_classes(folder)
    assert run_train(folder / "features", "logistic", folder / "model") == 0
    return folder


def run(place, output, *more, model=True):
    models = ("--model", str(place / "model")) if model else ()
    return report.main(
        [
            *("--table", str(place / "features"), "--output", str(output)),
            *("--allow_uri", str(place / "pictures"), *models, *more),
        ]
    )


@pytest.fixture(scope="module")
def page(place):
    output = place / "page.html"
    assert run(place, output, "--json", str(place / "page.json")) == 0
    return output


def test_counts_are_those_of_the_table(page):
    assert Parsed(page).data["counts"] == [
        ["test", "cats", 12],
        ["test", "dogs", 12],
        ["train", "cats", 12],
        ["train", "dogs", 12],
    ]


def test_each_image_has_the_picture_of_its_own_file(page, place):
    parsed = Parsed(page)
    numbers = {name: number for number, name in enumerate(ids_as_written())}
    for name, picture in zip(parsed.data["ids"], parsed.pictures, strict=True):
        image = Image.open(io.BytesIO(base64.b64decode(picture)))
        assert image.format == "WEBP"
        off = np.asarray(image.convert("RGB"), int).mean((0, 1)) - colour_of(numbers[name])
        assert np.abs(off).max() < 8, name


def ids_as_written():
    return [
        f"{split}/{label}/{number}.png"
        for split in ("train", "test")
        for label in ("cats", "dogs")
        for number in range(12)
    ]


def test_cells_and_mistakes_are_those_of_a_plain_loop(page, place):
    model = Parsed(page).data["models"][0]
    samples = load(str(place / "features"), "test")
    judged = load_model(place / "model").judge(samples.features)
    names = ("cats", "dogs")
    told = Counter(), []
    for row, (truth, name) in enumerate(zip(samples.labels, samples.ids, strict=True)):
        said = names[judged.predicted[row]]
        told[0][truth, said] += 1
        if truth != said:
            told[1].append((-judged.probabilities[row].max(), name))
    ids = Parsed(page).data["ids"]
    assert {(names[t], names[s]): n for t, s, n, _ in model["cells"]} == dict(told[0])
    assert told[1], "without mistakes this test says nothing"
    assert [ids[image] for image in model["mistakes"]] == [name for _, name in sorted(told[1])]
    labels = dict(zip(samples.ids, samples.labels, strict=True))
    for truth, _, images, behind in model["cells"]:
        assert len(behind) == min(images, 12)
        assert {labels[ids[image]] for image in behind} == {names[truth]}


def test_every_image_of_the_map_is_judged_as_the_model_judges_it(page, place):
    data = Parsed(page).data
    samples = load(str(place / "features"))
    said = load_model(place / "model").judge(samples.features).predicted
    expected = dict(zip(samples.ids, said.tolist(), strict=True))
    found = dict(zip(data["ids"], data["models"][0]["predicted"], strict=True))
    assert found == expected


def test_the_policy_allows_the_one_script_and_style_by_their_hashes(page):
    parsed = Parsed(page)
    assert parsed.policy == {
        "default-src": "'none'",
        "script-src": parsed.hash_of("script"),
        "style-src": parsed.hash_of("style"),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert places_elsewhere(page) == []


def test_hostile_names_stay_text(tmp_path):
    rows = [(f"train/{name}", name, "train") for name in HOSTILE]
    write_rows(tmp_path, rows, np.random.default_rng(0).normal(size=(len(rows), 4)))
    assert run(tmp_path, tmp_path / "page.html", model=False) == 0
    parsed = Parsed(tmp_path / "page.html")
    assert [name for name, _ in parsed.elements].count("script") == 3
    assert not [each for _, each in parsed.elements if any(key.startswith("on") for key in each)]
    raw = (tmp_path / "page.html").read_text(encoding="utf-8")
    between = raw.partition('id="data">')[2].partition("</script>")[0]
    assert not {*"<>&"} & {*between}
    assert parsed.policy["script-src"] == parsed.hash_of("script")
    # As text they are what they were, but for what would turn a line around.
    visible = {name.replace("\u2028\u2029\u202e", r"\u2028\u2029\u202e") for name in HOSTILE}
    assert {*parsed.data["labels"]} == visible
    assert {*parsed.data["ids"]} == {f"train/{name}" for name in visible}


def test_the_json_says_what_was_written(page, place):
    said = json.loads((place / "page.json").read_text())
    assert said["bytes"] == page.stat().st_size
    assert (said["images"], said["mapped"], said["pictures"]) == (48, 48, 48)
    (model,) = said["models"]
    data = Parsed(page).data["models"][0]
    right = sum(n for truth, told, n, _ in data["cells"] if truth == told)
    assert model["accuracy"] == right / 24


def test_the_page_is_as_small_as_asked_and_says_what_it_lacks(place, tmp_path):
    assert run(place, tmp_path / "whole.html") == 0
    least = (tmp_path / "whole.html").stat().st_size - 500
    assert run(place, tmp_path / "page.html", "--max_bytes", str(least)) == 0
    parsed = Parsed(tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size <= least
    missing = parsed.pictures.count(0)
    assert 0 < missing < 48
    assert f"{missing} of 48 images have no picture" in parsed.data["notes"][0]


def test_a_page_that_cannot_be_so_small_is_refused(place, tmp_path, capsys):
    assert run(place, tmp_path / "page.html", "--max_bytes", "1000") == 2
    assert "allow more with --max_bytes" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_findings_of_an_audit_are_shown(place, tmp_path):
    one, two = "train/cats/0.png", "test/dogs/3.png"
    (tmp_path / "duplicates.csv").write_text(
        f"group,image_id,split,label,similarity\n1,{one},train,cats,0.99\n1,{two},test,dogs,0.98\n"
    )
    (tmp_path / "suspects.csv").write_text(
        f"image_id,label,suggested,probability\n{two},dogs,<b>cats,0.9\nnowhere.png,cats,dogs,0.8\n"
    )
    (tmp_path / "quality.csv").write_text(
        f"image_id,faults,width,height\n{two},dark <i>blurred,24,24\n{one},grey,24,24\n"
    )
    assert run(place, tmp_path / "p.html", "--audit", str(tmp_path), "--images", "4") == 0
    data = Parsed(tmp_path / "p.html").data
    shown = [
        (each["kind"], each["caption"], [data["ids"][k] for k in each["images"]])
        for each in data["groups"]
    ]
    assert shown == [
        (
            "duplicates",
            "2 images alike, by 0.9800 at least, of several splits, of several labels",
            [one, two],
        ),
        ("suspects", "labelled dogs, rather <b>cats: 0.900", [two]),
        ("quality", "dark, <i>blurred", [two]),
        ("quality", "grey", [one]),
    ]
    assert "the audit names 1 image that the table does not hold" in data["notes"]


def test_a_model_has_nothing_to_measure_on_images_of_several_labels(place, tmp_path, capsys):
    several = [(f"test/{n}.png", as_label(["cats", "dogs"]), "test") for n in range(4)]
    write_rows(tmp_path, several, np.zeros((4, 8)), frozenset({LABELS}))
    given = ["--table", str(tmp_path / "features"), "--output", str(tmp_path / "page.html")]
    assert report.main([*given, "--model", str(place / "model")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: the images have several labels each, in the column labels of ")
    assert said.count("\n") == 1


def test_the_function_does_what_the_command_does(place, tmp_path):
    found = ff.report(
        place / "features",
        models=[load_model(place / "model"), place / "model"],
        output=tmp_path / "page.html",
        allow_uri=place / "pictures",
        images=10,
    )
    data = Parsed(found.output).data
    assert found.mapped == 10 == sum(each is not None for each in data["x"])
    first, second = data["models"]
    assert first["cells"] == second["cells"]


def test_images_that_are_gone_or_broken_are_told_and_the_rest_is_shown(place, tmp_path):
    shutil.copytree(place, tmp_path / "place")
    # The table names the pictures where they were made.
    pictures = place / "pictures"
    kept = {name: (pictures / name).read_bytes() for name in ("0.png", "1.png")}
    try:
        (pictures / "0.png").unlink()
        (pictures / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
        assert run(place, tmp_path / "page.html", model=False) == 0
    finally:
        for name, data in kept.items():
            (pictures / name).write_bytes(data)
    parsed = Parsed(tmp_path / "page.html")
    without = {n for n, p in zip(parsed.data["ids"], parsed.pictures, strict=True) if p == 0}
    assert without == {"train/cats/0.png", "train/cats/1.png"}
    assert "2 of 48 images have no picture" in " ".join(parsed.data["notes"])


def test_images_that_this_user_did_not_extract_are_not_opened(place, tmp_path):
    found = ff.report(place / "features", output=tmp_path / "page.html")
    assert found.pictures == 0
    assert {*Parsed(found.output).pictures} == {0}
    assert "--allow_uri" in " ".join(found.notes)
