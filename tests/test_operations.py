"""What docs/operations.md tells people to type is there to be typed."""

import importlib
import re

import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "operations.md").read_text()
COMMANDS = sorted(set(re.findall(r"python -m ((?:pipelines|classifiers)\.\w+)([^\n`#]*)", TEXT)))


def test_folders_that_are_applied_are_there():
    folders = set(re.findall(r" -k (k8s/\S+?)[`\n]", TEXT))
    assert len(folders) >= 4
    for folder in folders:
        assert (ROOT / folder / "kustomization.yaml").is_file(), folder


@pytest.mark.parametrize(("module", "rest"), COMMANDS)
def test_commands_have_the_options_that_are_named(module, rest, capsys):
    with pytest.raises(SystemExit):
        importlib.import_module(module).main(["--help"])
    known = set(re.findall(r"--\w+", capsys.readouterr().out))
    assert set(re.findall(r"--\w+", rest)) <= known


def test_figures_of_memory_are_those_of_the_manifests():
    texts = {path: path.read_text() for path in (ROOT / "k8s").rglob("*.yaml")}
    asked = {m for text in texts.values() for m in re.findall(r"memory: (\w+)[,}\n]", text)}
    rows = [line for line in TEXT.splitlines() if re.match(r"\| [^|]+ \| `\d+[MGm]i?`", line)]
    assert len(rows) == 7
    assert {m for row in rows for m in re.findall(r"`(\d+(?:Mi|Gi|m))`", row)} == asked
