"""A command's process looks through what it imported neither again nor as it ends."""

import gc
import importlib.util
import subprocess
import sys

import pytest

from pipelines import own_process
from pipelines.cli import EXTRA_OF
from pipelines.own_process import OWN_PROCESS, kept_for_good
from tests.conftest import ROOT

ENDS = """
import gc, os
from pipelines.cli import run_command

class Garbage:
    def __init__(self):
        self.own = self

    def __del__(self):
        os.write(1, b"1\\n")

def body(_):
    gc.disable()  # so that it is collected as the process ends, or never
    Garbage()
"""

LOADS_KERAS = """
import gc
from pipelines.cli import run_command
from pipelines.system.keras_backend import load_keras

def body(_):
    before = gc.get_stats()[2]["collections"]
    load_keras()
    assert gc.isenabled()
    print(gc.get_stats()[2]["collections"] - before, gc.get_freeze_count())
"""


def _said(program: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return [int(word) for word in done.stdout.split()]


def test_a_command_ends_without_a_look_at_what_it_kept():
    assert _said(ENDS + "run_command(body, [])") == []


def test_whoever_is_no_command_ends_as_python_does():
    assert _said(ENDS + "body([])") == [1]


def test_a_command_s_keras_is_imported_without_a_look_and_never_looked_at_again():
    looks, frozen = _said(LOADS_KERAS + "run_command(body, [])")
    assert looks == 0
    assert frozen > 100_000


@pytest.mark.acceptance
def test_no_package_complains_of_what_was_not_collected():
    """Of those that commands import; what binds C++ may look for leaks as a process ends."""
    installed = sorted(name for name in EXTRA_OF if importlib.util.find_spec(name))
    assert {"keras", "onnx", "openvino", "skops"} <= set(installed)
    imports = f"def body(_):\n    import {', '.join(installed)}\n    os.write(2, b'END')"
    program = f"import os\nfrom pipelines.cli import run_command\n{imports}\nrun_command(body, [])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr.partition("END")[1:] == ("END", "")


@pytest.fixture
def command(monkeypatch):
    """This process counts as a command's own meanwhile."""
    event = type(OWN_PROCESS)()
    event.set()
    monkeypatch.setattr(own_process, "OWN_PROCESS", event)
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.parametrize("enabled", [True, False])
def test_collecting_goes_on_as_it_was_even_after_an_error(command, enabled):
    if not enabled:
        gc.disable()
    with pytest.raises(KeyError), kept_for_good():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled() == enabled


def test_another_s_process_is_left_alone(monkeypatch):
    monkeypatch.setattr(own_process, "OWN_PROCESS", type(OWN_PROCESS)())
    frozen = gc.get_freeze_count()
    with kept_for_good():
        assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
