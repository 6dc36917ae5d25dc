"""The wheel, in an environment with nothing but what it asks for, from another folder."""

import email
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipelines import __version__
from tests.conftest import ROOT, write_dataset

pytestmark = pytest.mark.acceptance

PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/py.typed"))
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        print(importlib.import_module(found.name).__file__)
"""


def run(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, which no earlier build left anything in."""
    source = tmp_path_factory.mktemp("wheel") / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", ".", cwd=source)
    (built,) = source.glob("*.whl")
    return built


def test_it_holds_every_file_of_the_packages_and_says_what_it_is(wheel):
    source = wheel.parent
    files = {
        str(path.relative_to(source))
        for name in PACKAGES
        for path in (source / name).rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        info = f"frozen_features-{__version__}.dist-info"
        assert {n for n in archive.namelist() if not n.startswith(info)} == files
        assert {"pipelines/bases/imagenet_classes.txt", "classifiers/py.typed"} <= files
        metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert metadata["Version"] == __version__
    assert f"Programming Language :: Python :: 3.{sys.version_info.minor}" in metadata.get_all(
        "Classifier"
    )


def test_it_works_where_nothing_else_is_installed(wheel, tmp_path):
    environment, python = tmp_path / "environment", tmp_path / "environment/bin/python"
    uv = Path(sys.executable).with_name("uv")
    run(uv, "venv", "--quiet", "--python", sys.executable, environment, cwd=tmp_path)
    asked = "--constraint", ROOT / "requirements.lock", f"{wheel}[extract,train]"
    run(uv, "pip", "install", "--quiet", "--python", python, *asked, cwd=tmp_path)

    imported = run(python, "-c", IMPORT_ALL, *PACKAGES, cwd=tmp_path).split()
    assert len(imported) > 100
    assert all(Path(each).is_relative_to(environment) for each in imported)

    images = write_dataset(tmp_path / "images", {"train": 6, "test": 2}, ("dark", "light"))
    weights = "--weights", "random:1"
    table, model = ("--table", "features"), ("--model", "model")
    extract = "--image_size", "32", "--engine", "openvino", *weights, *table
    run(python, "-m", "pipelines.extract", "--input", images, *extract, cwd=tmp_path)
    command = python.with_name("frozen-features")
    run(command, "train", "--head", "logistic", *table, *model, cwd=tmp_path)
    predict = "--input", images / "test", *weights, "--output", "predicted.parquet"
    said = run(command, "predict", *model, *predict, cwd=tmp_path)
    assert "predicted          4" in said
