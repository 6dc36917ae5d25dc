"""Which Python `make` takes: told with programs that only say that they are one."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import setuptools
from packaging.specifiers import SpecifierSet

import pipelines
from tests.conftest import ROOT

TOOLS = ("sh", "sed", "tr", "grep", "dirname", "mkdir", "ln", "rm")
FAKE = """#!/bin/sh
case "$1 $2" in
    --version*) echo "Python {version}.7" ;;
    "-m venv") mkdir -p "$4/bin" && ln -sf "$0" "$4/bin/python" && echo > "$4/pyvenv.cfg" ;;
    -c*ensurepip*) echo "{version} {can} $0" ;;
    -c*) echo {version} ;;
esac
"""
SHIM = '#!/bin/sh\necho "pyenv: ${0##*/}: command not found" >&2\nexit 127\n'
"""What pyenv has on the PATH for a Python that it keeps and that is not active."""


@pytest.fixture
def tools(tmp_path) -> Path:
    """A folder with what the scripts call, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name))
    return folder


@pytest.fixture
def run(tools, tmp_path):
    """Run a script with those folders on the PATH: exit status, standard output, standard error."""

    def run(script, *arguments, folders=(), **environment):
        done = subprocess.run(
            [ROOT / "scripts" / script, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": ":".join(map(str, [*folders, tools])), **environment},
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    return run


def put(program: Path, text: str) -> str:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(text)
    program.chmod(0o755)
    return str(program)


def fake(program: Path, version: str, can: str = "able") -> str:
    return put(program, FAKE.format(version=version, can=can))


def test_the_newest_that_is_supported_is_taken_whatever_the_order_on_the_path(run, tmp_path):
    first, second = tmp_path / "first", tmp_path / "a folder"
    oldest = fake(first / "python3.11", "3.11")
    fake(first / "python3.9", "3.9")
    fake(first / "python3", "3.99")
    fake(second / "python3.12", "3.12")
    newest = fake(second / "python3.13", "3.13")
    assert run("find-python", folders=[first, second]) == (0, newest, "")
    assert run("find-python", "--oldest", folders=[second, first]) == (0, oldest, "")


def test_a_plain_python3_counts_and_of_two_alike_the_first_on_the_path(run, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    plain = fake(first / "python3", "3.12")
    fake(second / "python3.12", "3.12")
    fake(second / "python3.11", "3.11")
    assert run("find-python", folders=[first, second]) == (0, plain, "")


def test_what_does_not_run_or_can_make_no_environment_is_passed_over(run, tmp_path):
    shims, system = tmp_path / "shims", tmp_path / "system"
    put(shims / "python3.13", SHIM)
    put(shims / "python3.12", SHIM)
    fake(system / "python3.13", "3.13", "unable")
    usable = fake(system / "python3.12", "3.12")
    assert run("find-python", folders=[shims, system]) == (0, usable, "")


def test_without_a_python_one_line_says_what_to_install(run, tmp_path):
    fake(tmp_path / "bin/python3.10", "3.10")
    put(tmp_path / "bin/python3.11", SHIM)
    status, out, err = run("find-python", folders=[tmp_path / "bin"])
    assert (status, out) == (1, "")
    assert err == (
        "no Python 3.13, 3.12 or 3.11 found: install one (Debian, Ubuntu: apt install python3"
        " python3-venv) or name one: make PYTHON=/path/to/python3.13"
    )


def test_a_python_without_its_venv_module_is_told_which_package_to_install(run, tmp_path):
    python = fake(tmp_path / "bin/python3", "3.12", "unable")
    wanted = (
        f"Python 3.12 at {python} cannot make a virtual environment: install its venv module"
        " (Debian, Ubuntu: apt install python3.12-venv)"
    )
    assert run("find-python", folders=[tmp_path / "bin"]) == (1, "", wanted)
    assert run("find-python", python) == (1, "", wanted)
    assert run("make-venv", "new", folders=[tmp_path / "bin"]) == (1, "", wanted)
    assert not (tmp_path / "new").exists()


def test_a_python_asked_for_by_name_is_taken_or_refused(run, tmp_path):
    bin = tmp_path / "bin"
    fake(bin / "python3.13", "3.13")
    older = fake(bin / "python3.11", "3.11")
    fake(bin / "ancient", "3.8")
    put(bin / "python3.12", SHIM)
    assert run("find-python", "python3.11", folders=[bin]) == (0, older, "")
    assert run("find-python", "bin/python3.11") == (0, "bin/python3.11", "")
    refused = {
        "python4": "PYTHON=python4: there is no such program",
        "python3.12": "PYTHON=python3.12 does not run: see what 'python3.12 --version' says",
        "ancient": "PYTHON=ancient is Python 3.8: wanted is 3.13, 3.12 or 3.11",
    }
    for name, line in refused.items():
        assert run("find-python", name, folders=[bin]) == (1, "", line)


def test_an_interpreter_answers_for_itself(run, tmp_path):
    # Of an environment, the Python that it was made with: the environment may be made anew.
    assert run("find-python", sys.executable) == (0, sys._base_executable, "")

    (tmp_path / "ensurepip.py").write_text("raise ImportError")
    status, _, line = run("find-python", sys.executable, PYTHONPATH=str(tmp_path))
    assert status == 1
    assert "cannot make a virtual environment" in line


def test_an_environment_is_made_once_and_says_of_what(run, tmp_path):
    bin = tmp_path / "bin"
    older = fake(bin / "python3.11", "3.11")
    made = (0, f"Python 3.11.7 ({older}) for new", "")
    assert run("make-venv", "new", folders=[bin]) == made
    (tmp_path / "new/kept").touch()
    newest = fake(bin / "python3.13", "3.13")
    assert run("make-venv", "new", folders=[bin]) == (0, "", "")
    assert run("make-venv", "new", "python3.11", folders=[bin]) == (0, "", "")
    assert (tmp_path / "new/bin/python").readlink() == Path(older)

    # Another one is made where another version is asked for, or the one there is of no use.
    said = f"Python 3.13.7 ({newest}) for new, made anew: its Python was "
    assert run("make-venv", "new", "python3.13", folders=[bin]) == (0, said + "3.11", "")
    assert (tmp_path / "new/bin/python").readlink() == Path(newest)
    (tmp_path / "new/bin/python").unlink()
    assert run("make-venv", "new", folders=[bin]) == (0, said + "none that runs", "")
    fake(bin / "python3.10", "3.10")
    (tmp_path / "new/bin/python").unlink()
    (tmp_path / "new/bin/python").symlink_to(bin / "python3.10")
    assert run("make-venv", "new", folders=[bin]) == (0, said + "3.10", "")


def test_an_environment_that_cannot_be_made_anew_stays(run, tmp_path):
    older = fake(tmp_path / "bin/python3.11", "3.11")
    assert run("make-venv", "new", folders=[tmp_path / "bin"])[0] == 0
    status, _, line = run("make-venv", "new", "python3.12", folders=[tmp_path / "bin"])
    assert (status, line) == (1, "PYTHON=python3.12: there is no such program")
    assert (tmp_path / "new/bin/python").readlink() == Path(older)


def test_setup_names_the_same_pythons_everywhere(monkeypatch):
    asked = {}
    monkeypatch.setattr(setuptools, "setup", lambda **keywords: asked.update(keywords))
    monkeypatch.chdir(ROOT)
    pythons = runpy.run_path("setup.py")["PYTHONS"]
    allowed = SpecifierSet(asked["python_requires"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}.5" in allowed] == pythons
    pattern = re.compile(r"Programming Language :: Python :: (3\.\d+)")
    named = [match[1] for match in map(pattern.fullmatch, asked["classifiers"]) if match]
    assert named == pythons
    lowest = pythons[0]
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'target-version = "py{lowest.replace(".", "")}"' in settings
    assert f'python_version = "{lowest}"' in settings


def test_the_version_stands_in_one_place(monkeypatch):
    asked = {}
    monkeypatch.setattr(setuptools, "setup", lambda **keywords: asked.update(keywords))
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    assert asked["version"] == pipelines.__version__
    assert pipelines.__version__ not in (ROOT / "setup.py").read_text("utf-8")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed here")
def test_make_lets_python_keep_its_bytecode():
    shown = subprocess.run(
        ["make", "--silent", "--eval", 'shown:; @echo "[$$PYTHONDONTWRITEBYTECODE]"', "shown"],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout == "[]\n", shown.stderr
