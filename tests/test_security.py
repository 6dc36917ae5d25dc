"""What another user wrote is never run, and nothing is written through a link of theirs."""

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


IN_FOLDERS_OF_THEIR_OWN = {
    "classifiers/models/folder.py": {"open", "write_text"},
    "classifiers/models/own_base.py": {"write_bytes"},
    "classifiers/models/versions/fetching.py": {"open"},
    "pipelines/engines/conversions.py": {"write_bytes"},
    "pipelines/engines/int8/difference.py": {"write_bytes"},
    "pipelines/engines/int8/fetching.py": {"write_bytes"},
    "pipelines/engines/ncnn/conversion.py": {"write_text"},
    "pipelines/engines/ncnn/text.py": {"write_bytes", "write_text"},
    "pipelines/engines/openvino_engine.py": {"write_text"},
    "pipelines/engines/trial.py": {"open", "write_text"},
    "pipelines/planning/sizing/rehearsal.py": {"write_text"},
    "pipelines/planning/sizing/stand_ins.py": {"write_bytes"},
    "pipelines/shards/progress.py": {"open"},  # in a temporary folder of the run
}
"""What writes otherwise than through `pipelines.drafts`: into folders that `tempfile` made."""


def test_files_are_written_as_drafts():
    found: dict[str, set[str]] = {}
    for path in sources():
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or name == "pipelines/drafts.py":
                continue
            called = node.func
            method = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            modes = [each.value for each in given if isinstance(each, ast.Constant)]
            opens = method == "open" and any(
                isinstance(mode, str) and set(mode) <= set("wxabt+") and set(mode) & set("wxa")
                for mode in modes
            )
            if opens or method in {"write_text", "write_bytes"}:
                found.setdefault(name, set()).add(method)
    assert found == IN_FOLDERS_OF_THEIR_OWN
