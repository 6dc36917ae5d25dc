"""A folder that a command stands in may be anybody's: none of our processes imports from it."""

import ast
import subprocess
import sys

import pytest

from pipelines.system.own_python import python_module, with_our_path
from tests.conftest import ROOT


@pytest.mark.parametrize("planted", ["pipelines/__init__.py", "typing.py", "msgspec.py"])
def test_nothing_is_imported_from_the_folder_that_a_command_stands_in(tmp_path, planted):
    (tmp_path / planted).parent.mkdir(exist_ok=True)
    (tmp_path / planted).write_text("raise SystemExit('run')")
    command = python_module("pipelines.untrusted")
    done = subprocess.run(command, env=with_our_path(), cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_our_packages_are_found_though_they_are_on_no_path(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(ROOT)])
    paths = with_our_path()["PYTHONPATH"].split(":")
    assert paths[-1] == str(ROOT)
    assert "" not in paths


def test_every_process_of_ours_is_started_so():
    for path in [
        path for name in ("pipelines", "classifiers") for path in (ROOT / name).rglob("*.py")
    ]:
        if path.name == "own_python.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr == "executable"), path
