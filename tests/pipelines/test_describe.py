import json
import re
import shutil

import pytest

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
    assert re.search(r"^last run: keras engine, [\d.]+ s, python 3\.11", printed, re.MULTILINE)
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
