"""The page of messages: the same from the same messages, and with nothing of the machine in it."""

import json
import random
import re

from tests.messages import Recorder
from tests.messages_page import PAGE, kind, plain, shown_options, situation, write_page


def row(said, test="tests/test_x.py::test_a_mistake[1]", command="python -m pipelines.extract"):
    options = ["--input", "FOLDER", "--weights", "random:1"]
    return {"test": test, "command": command, "options": options, "status": 2, "said": said}


def write_rows(folder, rows, files):
    for number in range(files):
        text = "".join(f"{json.dumps(each)}\n" for each in rows[number::files])
        (folder / f"{number}.jsonl").write_text(text)


def test_the_order_of_tests_and_processes_changes_nothing(tmp_path):
    said = [f"no layer {name!r}; it has {name}_conv1" for name in ("fc1", "block|2", "a`b")]
    rows = [row(each, f"tests/test_x.py::test_{n}") for n, each in enumerate(said)]
    rows += [row(each, "tests/test_y.py::test_z", "") for each in said]
    rows += [
        row("no folder at FOLDER/x", command=f"python -m pipelines.{n}") for n in ("plan", "x")
    ]
    pages = set()
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        random.Random(seed).shuffle(rows)
        write_rows(folder, rows, files=1 + seed % 3)
        write_page(folder, folder / "page.md")
        pages.add((folder / "page.md").read_text())
    (page,) = pages
    assert page.count("no layer") == 1  # of one kind
    assert "`extract --input FOLDER`" in page
    assert page.index("## Extract") < page.index("## Plan")


def test_what_differs_from_run_to_run_is_left_out():
    assert plain("weights 367e97357726, at 127.0.0.1:8080") == "weights …, at 127.0.0.1:…"
    assert plain("part-7479c585%2D166e%2D4cef%2D8d64%2D5d02049ceea9.parquet") == "part-….parquet"
    assert plain("left FOLDER/m.new-s969s8wf") == "left FOLDER/m.new-…"
    assert plain("a\x00b\nc") == "a?b?c"
    assert plain("--seed 99999999999") == "--seed 99999999999"
    assert len(plain("x" * 1000)) == 401


def test_messages_of_a_kind():
    assert kind("VGG16 has no layer 'a'; it has a, b_1") == kind(
        "VGG19 has no layer 'c d'; it has b_2"
    )
    assert kind("FOLDER/a has 2 columns 'x'") == kind("FOLDER/b has 3 columns 'y'")
    assert kind("cannot read FOLDER/card.json: no JSON") == kind("cannot read m/card.json: [3]")
    assert kind("no --table here") != kind("no --table there")


def test_what_a_test_gives_a_command():
    given = ["--input", "a", "--image_size", "32", "--weights", "random:1", "--input", ""]
    assert shown_options(given, "no --image_size 32") == "--image_size 32 --input ''"
    assert (
        situation("tests/x.py::test_a_card_that_is_the_model_s[1]") == "a card that is the model's"
    )
    assert situation("tests/x.py::test_urls[http://[::1/a.jpg-is no URL]") == "urls"


def test_folders_of_this_machine_are_not_kept(tmp_path):
    recorder = Recorder(tmp_path / "kept")
    recorder.base = str(tmp_path.parent)
    recorder.item = type("Item", (), {"function": None, "nodeid": "tests/x.py::test_x"})()
    recorder.keep(f"no model in '{tmp_path}/m'", 2, "", ["--model", str(tmp_path / "m")])
    recorder.write()
    (path,) = (tmp_path / "kept").iterdir()
    kept = json.loads(path.read_text())
    assert (kept["said"], kept["options"][1]) == ("no model in 'FOLDER/m'", "FOLDER/m")


def test_the_page_tells_no_place_of_whoever_made_it():
    assert not re.search(
        r"(?<!FOLDER)/(tmp|root|home|work|Users|var)/|pytest", PAGE.read_text(encoding="utf-8")
    )
