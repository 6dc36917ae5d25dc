import json
import platform
import re
import shutil

import pytest

from pipelines.bases import BASES
from pipelines.describe import main
from pipelines.driver import extract
from tests.conftest import write_image


@pytest.fixture
def history(dataset, make_job, tmp_path):
    """Three runs: 20 images; two that cannot be read; one mended, one changed."""
    images = tmp_path / "images"
    shutil.copytree(dataset / "test", images / "test")
    job = make_job(images, tmp_path / "features")
    extract(job)
    for name in ("a", "b"):
        (images / f"test/dark/{name}.png").write_bytes(b"no image")
    extract(job)
    write_image(images / "test/dark/a.png", seed=1)
    write_image(images / "test/dark/dark001.png", seed=2)
    (images / "test/dark/c.png").touch()
    extract(job)
    return tmp_path / "features"


def test_what_is_printed(history, capsys):
    assert main(["--table", str(history)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^features +512 \(1 x 1 x 512\)$", printed, re.MULTILINE)
    assert re.search(r"^weights +7b41b452bfd0caef", printed, re.MULTILINE)
    assert re.search(r"^test +dark +11$", printed, re.MULTILINE)
    assert re.search(r"^ +2 .* 2 written, 1 replaced +\d{8}T", printed, re.MULTILINE)
    assert re.search(r"^ +1 .* 20 written +\d{8}T", printed, re.MULTILINE)
    python = re.escape(platform.python_version())
    assert re.search(rf"^last run: keras engine, [\d.]+ s, python {python}", printed, re.MULTILINE)
    assert "images that failed: 3" in printed
    # The newest run's failures come first.
    assert printed.index("test/dark/c.png") < printed.index("test/dark/b.png")


def test_the_json_holds_it_all(history, tmp_path):
    assert main(["--table", str(history), "--json", str(tmp_path / "d.json")]) == 0
    values = json.loads((tmp_path / "d.json").read_text())
    assert values["counts"] == [
        {"split": "test", "label": "dark", "rows": 11, "images": 11},
        {"split": "test", "label": "light", "rows": 10, "images": 10},
    ]
    assert [commit["version"] for commit in values["history"]] == [2, 1, 0]
    run = values["history"][0]["run"]
    assert run["counts"]["inputs"] == 23
    assert run["counts"]["new_failures"] == 1
    assert re.fullmatch(r".+@.+", run["who"])
    assert run["contract_id"] == values["contract_id"]
    assert {failure["image_id"] for failure in values["failures"]} == {
        f"test/dark/{name}.png" for name in "abc"
    }


def test_an_older_version(history, capsys):
    assert main(["--table", str(history), "--table_version", "1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^test +dark +10$", printed, re.MULTILINE)
    assert "2 written" not in printed


def test_the_bases(tmp_path, capsys):
    assert main(["--bases", "--json", str(tmp_path / "bases.json")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == [
        *("base", "size", "least", "features", "length", "parameters", "preprocessing")
    ]
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in printed[2:]}
    assert lines.keys() == BASES.keys()
    assert lines["VGG16"] == "150 32 4 x 4 x 512 8192 14714688 caffe"
    assert lines["Xception"] == "299 71 10 x 10 x 2048 204800 20861480 tf"
    values = json.loads((tmp_path / "bases.json").read_text())["bases"]
    assert [each["base"] for each in values] == list(BASES)
    assert values[-1] == {
        "base": "ConvNeXtXLarge",
        "default_size": 224,
        "min_size": 32,
        "feature_shape": [7, 7, 2048],
        "feature_length": 100352,
        "parameters": 348147968,
        "preprocessing": "in the model",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "one of the arguments --table --bases is required"),
        (["--bases", "--table", "x"], "--table: not allowed with argument --bases"),
        (["--bases", "--table_version", "1"], "--table_version wants a --table"),
    ],
)
def test_a_table_or_the_bases(options, message, capsys):
    assert main(options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
