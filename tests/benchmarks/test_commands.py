"""The benchmarks' commands: what they refuse, and what they read from processes."""

import json

import numpy as np
import pytest

from benchmarks import extraction, training
from benchmarks.child import ChildError, Line, run_module
from benchmarks.training import epoch_ends


def test_a_failed_process_is_told_by_its_last_line():
    with pytest.raises(
        ChildError, match=r"pipelines\.describe ended with status 2: error: .*table"
    ):
        run_module("pipelines.describe", "--nonsense")


def test_a_process_says_when_it_said_what(tmp_path):
    (tmp_path / "talk.py").write_text("import sys\nprint('first', file=sys.stderr)\n")
    finished = run_module("talk", environment={"PYTHONPATH": str(tmp_path)})
    assert [line.text for line in finished.lines] == ["first"]
    assert 0 < finished.lines[0].seconds < finished.seconds


def test_the_peak_is_the_process_s_own(tmp_path):
    (tmp_path / "hungry.py").write_text("held = bytearray(b'x') * (200 * 2**20)\n")
    run_module(
        "benchmarks.peak_memory",
        tmp_path / "peak",
        "hungry",
        environment={"PYTHONPATH": str(tmp_path)},
    )
    peak = int((tmp_path / "peak").read_text())
    assert 200 * 1024 < peak < 300 * 1024


def test_epochs_are_read_from_what_a_training_says():
    said = ["some warning", "epoch 1 of 3  loss 0.5", "epoch 2 of 3  loss 0.4", "epoch 3 of 3"]
    lines = [Line(float(second), text) for second, text in enumerate(said)]
    assert epoch_ends(lines) == [1.0, 2.0, 3.0]
    with pytest.raises(ChildError, match="does not tell its epochs"):
        epoch_ends(lines[:2])


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        (extraction, ["--ways", "a,x"], "--ways has no 'x'; there are a, b, c, d, e"),
        (extraction, ["--input", "/nowhere"], "no folder /nowhere"),
        (training, ["--epochs", "1"], "take at least 2"),
        (training, ["--input", "/nowhere"], "no folder /nowhere"),
    ],
)
def test_mistakes_are_told_in_a_line(command, given, said, capsys):
    assert command.main(given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_int8_runs_besides_and_is_held_against_all(monkeypatch, tmp_path):
    asked, seconds = [], {(): 4.0, extraction.OURS["e"]: 1.0}

    def extract(run, images, table, *more):
        asked.append((table.name, more))
        return {"engine": "ncnn"}, seconds[more]

    monkeypatch.setattr(extraction.ProjectRun, "extract", extract)
    features = {"d": np.ones((6, 2)), "e": np.ones((6, 2)) * 1.25}
    monkeypatch.setattr(extraction, "read_features", lambda table, _: features[table.name])
    monkeypatch.setattr(extraction, "repeat_images", lambda *_: tmp_path)
    monkeypatch.setattr("benchmarks.project_run.repeat_images", lambda *_: tmp_path)
    result = tmp_path / "result.json"
    given = ["--input", tmp_path, "--ways", "d,e", "--images", 6, "--repeats", 2, "--json", result]
    assert extraction.main(list(map(str, given))) == 0
    eight = ("e", ("--compute_dtype", "int8", "--engine", "openvino"))
    assert asked[0][1] == ()  # to have the engine chosen
    assert sorted(asked[1:]) == [("d", ()), ("d", ()), eight, eight]
    first, of_float, of_int = json.loads(result.read_text())["tables"]
    assert [row[1] for row in first["rows"]] == [4.0, 1.0]
    assert [of_float["rows"], of_int["rows"]] == [
        [["this project in int8", 0.25, 0.25, 0.25]],
        [["this project", 4.0, 4.0, 4.0]],
    ]


def test_a_missing_library_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(extraction, "find_spec", lambda name: None)
    assert extraction.main(["--input", str(tmp_path)]) == 2
    assert "way c needs onnxruntime and tf2onnx" in capsys.readouterr().err
