"""docs/python-api.md as it stands: its code runs from top to bottom and prints what it shows."""

import contextlib
import doctest
import io
import re

import pytest

import frozen_features as ff
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "python-api.md"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.acceptance
def test_the_page_runs_and_prints_what_it_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(page)
    assert len(blocks) == page.count("```python") > 10
    assert sum(bool(shown) for _, shown in blocks) == page.count("```text") > 8
    names = {"__name__": "__page__"}
    checker = doctest.OutputChecker()
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, str(PAGE), "exec"), names)
        said = printed.getvalue()
        if shown:
            assert checker.check_output(shown, said, SHOWN), (
                f"{code}\nprinted\n{said}\nnot\n{shown}"
            )


def test_the_page_has_every_function_in_an_example():
    code = "".join(code for code, _ in BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    used = set(re.findall(r"\bff\.(\w+)", code))
    assert used == set(ff.__all__) - {"__version__"}
