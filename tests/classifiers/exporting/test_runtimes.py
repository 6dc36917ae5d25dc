"""Exported models run by plain Keras, ONNX Runtime and OpenVINO, where this project is not."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import frozen_features as ff
from classifiers import export
from classifiers.data.dataset import load
from classifiers.exporting import proof
from classifiers.exporting.formats import CARD
from classifiers.models.folder import load_model
from pipelines.images.decode import decode_image, pixel_spec
from tests.classifiers.conftest import run_train
from tests.conftest import ROOT, give_back_memory

pytestmark = pytest.mark.acceptance

WEIGHTS = "random:1"

SILENT = "import sys; sys.modules['openvino_telemetry'] = None"
"""No event is sent from a test."""

RUN = """
import importlib.util, json, sys
ours = ("classifiers", "pipelines", "frozen_features")
assert all(importlib.util.find_spec(name) is None for name in ours)
import numpy as np, onnx, onnxruntime, openvino, zipfile
import keras

images, cards = np.load("images.npy"), {}
for file in sys.argv[1:]:
    if file.endswith(".keras"):
        network = keras.models.load_model(file)
        run = lambda some: np.asarray(network.predict_on_batch(some))
        cards[file] = json.loads(zipfile.ZipFile(file).read("CARD.json"))
    elif file.endswith(".onnx"):
        session = onnxruntime.InferenceSession(file)
        run = lambda some: session.run(None, {"images": some})[0]
        cards[file] = json.loads(session.get_modelmeta().custom_metadata_map["CARD"])
    else:
        core = openvino.Core()
        model = core.read_model(file)
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        run = lambda some: list(compiled({"images": some}).values())[0].copy()
        cards[file] = json.loads(model.get_rt_info(["CARD"]).astype(str))
    np.save(file + ".npy", np.concatenate([run(images[:1]), run(images[1:])]))
print(json.dumps(cards))
""".replace("CARD", CARD)


EACH = """
import json
for example in json.load(open("examples.json")):
    exec(example, {})
    print()
"""

EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_outside(program: str, folder: Path, *arguments: str) -> str:
    """What a program prints where this project is not."""
    # Without `site` an editable installation is not on the path, and so neither is this project.
    outside = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{SILENT}\n{program}", *arguments],
        cwd=folder,
        env=outside,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_exports_run_without_this_project(dataset, table, logistic, tmp_path, monkeypatch):
    monkeypatch.setattr(proof, "IMAGES", 4)  # what is measured here is proof enough
    monkeypatch.setattr(proof, "REAL", 2)
    deep = tmp_path / "deep"
    ff.extract(
        dataset,
        deep,
        weights=WEIGHTS,
        image_size=32,
        layer="block4_pool",
        engine="keras",
    )
    models = {"logistic": (logistic, table)}
    for head, of, more in [
        ("dense", table, ["--epochs", "2"]),
        ("softmax", table, []),
        ("linear_svm", table, []),
        ("finetune", deep, ["--weights", WEIGHTS, "--head_epochs", "1", "--epochs", "1"]),
    ]:
        assert run_train(of, head, tmp_path / head, *more) == 0
        models[head] = (tmp_path / head, of)
    wanted = {}
    for head, (model, of) in models.items():
        every = {"keras": ".keras", "onnx": ".onnx", "openvino": ".xml"}
        some = every
        if head != "dense":  # the finished network of any head is written alike
            one = "onnx" if head == "finetune" else "openvino"
            some = {one: every[one]}
        features, _, ids = load(str(of), "test")
        judged = load_model(model).head.judge(features)
        answers = judged.scores if judged.probabilities is None else judged.probabilities
        for name, suffix in some.items():
            file = tmp_path / f"{head}{suffix}"
            options = ["--model", str(model), "--format", name, "--output", str(file)]
            assert export.main([*options, "--weights", WEIGHTS]) == 0
            give_back_memory()  # tf2onnx leaves gigabytes in cycles
            wanted[file.name] = (model, answers)
    assert export.main([*options, "--weights", WEIGHTS]) == 2  # the last is there already
    spec = pixel_spec(load_model(logistic).card.contract)
    pixels = [decode_image((dataset / name).read_bytes(), spec).pixels for name in ids]
    np.save(tmp_path / "images.npy", np.stack(pixels))

    cards = json.loads(run_outside(RUN, tmp_path, *wanted).splitlines()[-1])
    for file, (model, answers) in wanted.items():
        found = np.load(tmp_path / f"{file}.npy")
        off = np.abs(found - answers) / np.maximum(1.0, np.abs(answers))
        print(f"{file}: {off.max():.1e}")
        assert off.max() <= 1e-4, file
        assert cards[file]["model"] == json.loads((model / "card.json").read_text())
        assert cards[file]["export"]["output"]["classes"] == ["dark", "light"]

    # The page's own examples, as they stand.
    (tmp_path / "photograph.jpg").symlink_to(dataset / ids[0])
    examples = EXAMPLE.findall((ROOT / "docs" / "exporting.md").read_text(encoding="utf-8"))
    assert len(examples) == 3
    dark = wanted["dense.onnx"][1][0, 0]
    (tmp_path / "examples.json").write_text(json.dumps(examples))
    for answer in run_outside(EACH, tmp_path).strip().split("\n\n"):
        said = answer.splitlines()[-1]
        found = re.fullmatch(r"{'dark': np.float32\((.+)\), 'light': np.float32\(.+\)}", said)
        assert found is not None, said
        assert float(found[1]) == pytest.approx(dark, abs=1e-4)
