"""What another user wrote is never run."""

import ast

import pytest

from tests.conftest import ROOT

UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "system", "popen"}


def sources():
    return [path for typed in ROOT.glob("*/py.typed") for path in typed.parent.rglob("*.py")]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_unpickles_evaluates_or_opens_a_shell(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.partition(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
            assert not names & UNSAFE_MODULES
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name not in UNSAFE_CALLS
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            assert "allow_pickle" not in keywords
            assert "shell" not in keywords
