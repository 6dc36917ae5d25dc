"""Imports run one way, and light things stay light."""

import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import pipelines
from tests.conftest import ROOT

HEAVY = {"tensorflow", "keras", "apache_beam", "sklearn", "matplotlib", "onnx"}


def imported_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()}


def test_layers_hold():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout
    assert "5 kept, 0 broken" in done.stdout


def test_every_package_but_shards_is_said_to_import_no_beam():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    said = {
        module
        for contract in settings["contracts"]
        if contract.get("forbidden_modules") == ["apache_beam"]
        for module in contract["source_modules"]
    }
    there = {f"pipelines.{each.name}" for each in pkgutil.iter_modules(pipelines.__path__)}
    assert said - {"classifiers", "frozen_features"} == there - {"pipelines.shards"}


@pytest.mark.parametrize(
    "modules",
    [
        "frozen_features, classifiers, classifiers.evaluate, classifiers.train",
        "pipelines.describe",
        "pipelines.extract",
    ],
)
def test_starting_up_imports_nothing_heavy(modules):
    assert not imported_by(f"import {modules}") & HEAVY


def test_listing_the_bases_imports_nothing_heavy():
    statement = "from pipelines.describe import main\nassert main(['--bases']) == 0"
    assert not imported_by(statement) & HEAVY


@pytest.mark.acceptance
def test_classifiers_never_import_beam(table, tmp_path):
    statement = (
        "from classifiers.train import main\n"
        f"assert main(['--table', {str(table)!r}, '--head', 'logistic',"
        f" '--model', {str(tmp_path / 'm')!r}]) == 0"
    )
    assert not imported_by(statement) & {"apache_beam", "tensorflow", "keras"}
