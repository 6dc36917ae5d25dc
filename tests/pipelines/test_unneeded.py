"""A command's Keras goes without what no command asks of it; everybody else's is whole."""

import importlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines import unneeded
from pipelines.own_process import OWN_PROCESS
from pipelines.unneeded import UNNEEDED, unneeded_left_out
from tests.conftest import ROOT

LOADS_KERAS = """
import sys
from pipelines.cli import run_command
from pipelines.system.keras_backend import load_keras

def body(_):
    load_keras()
    print(*sorted({"matplotlib", "pandas", "sklearn"} & set(sys.modules)))
    import sklearn
"""


def _said(last: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LOADS_KERAS + last],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout.strip()


@pytest.mark.acceptance
def test_a_command_s_keras_brings_none_of_it_and_the_command_may_import_it_later():
    assert _said("assert run_command(body, []) == 0") == ""


@pytest.mark.acceptance
def test_who_loads_keras_without_a_command_gets_it_whole():
    wrapped = (
        "body([]); import keras; print(keras.wrappers.SKLearnClassifier.__mro__[-2].__module__)"
    )
    brought, base = _said(wrapped).splitlines()
    assert set(brought.split()) == UNNEEDED
    assert base.startswith("sklearn.")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that nobody has imported yet, and that is not needed."""
    name = "needed_by_nobody"
    (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(unneeded, "UNNEEDED", {name})
    yield name
    sys.modules.pop(name, None)


def test_other_threads_find_what_one_is_left_without(module, monkeypatch):
    monkeypatch.setattr(unneeded, "OWN_PROCESS", _set_event())
    with ThreadPoolExecutor(1) as other, unneeded_left_out():
        with pytest.raises(ModuleNotFoundError, match="left out"):
            importlib.import_module(module)
        assert other.submit(importlib.import_module, module).result().__name__ == module
    sys.modules.pop(module)
    assert importlib.import_module(module).__name__ == module


def test_an_error_of_the_import_leaves_nothing_behind(module, monkeypatch):
    monkeypatch.setattr(unneeded, "OWN_PROCESS", _set_event())
    before = list(sys.meta_path)
    with pytest.raises(KeyError), unneeded_left_out():
        raise KeyError
    assert sys.meta_path == before


def _set_event():
    event = type(OWN_PROCESS)()
    event.set()
    return event
