"""examples/analyst.ipynb: it runs as it stands, and so are the outputs that are kept with it."""

import re

import nbformat
import pytest

from examples.notebook import NOTEBOOK, executed, kept

LARGEST = 300_000
"""Bytes of the notebook with its outputs."""

MEASURED = re.compile(r"^logistic  test +81 +(0\.\d{3}) ", re.MULTILINE)
ACCURACY = 0.864
MAY_DIFFER = 0.026
"""Two images of 81: another processor's sums are rounded otherwise."""


@pytest.fixture(scope="module")
def as_kept() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook: nbformat.NotebookNode, mime: str = "text/plain") -> str:
    """All outputs of a kind, one after the other."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "\n".join(output.get("data", {}).get(mime, "") for output in outputs)


def require_whole(notebook: nbformat.NotebookNode) -> None:
    """Every cell ran, in order and without an error; the tables and measures are there."""
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds == {"execute_result", "stream"}
    said, tables = texts(notebook), texts(notebook, "text/html")
    assert float(MEASURED.search(said)[1]) == pytest.approx(ACCURACY, abs=MAY_DIFFER)
    assert re.search(r"train/8/0003\.png +8 ", said), "the three among the eights"
    assert "1.000     same bytes  test/7/0007.png, train/7/0007.png" in said
    assert "<thead><tr><th>head</th><th>split</th><th>images</th><th>accuracy</th>" in tables
    assert tables.count("<table>") >= 12
    assert len(re.findall(r"^[A-Za-z0-9+/]{1000}", texts(notebook, "image/png"), re.M)) == 6
    told = "".join(o.text for c in cells for o in c.outputs if o.output_type == "stream")
    assert re.search(r"^401 of 401 images, [\d.]+ images/s, 0 s left, 0 failures$", told, re.M)


def test_the_outputs_that_are_kept_are_whole_and_name_no_machine(as_kept):
    require_whole(as_kept)
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST
    assert not re.findall(r"/(?:tmp|home|root|var|usr|work)/\S*", text)
    assert set(re.findall(r"[\w.-]+@[\w.-]+", texts(as_kept))) == {"analyst@laptop"}
    assert "metadata" not in as_kept.metadata
    assert "version" not in as_kept.metadata.language_info


@pytest.mark.acceptance
@pytest.mark.timeout(900)
def test_the_notebook_runs_as_it_stands_and_says_what_is_kept(tmp_path, as_kept):
    ran = executed(tmp_path)
    require_whole(ran)
    assert [cell.source for cell in ran.cells] == [cell.source for cell in as_kept.cells]
    assert (tmp_path / "digits.html").read_text("utf-8").startswith("<!doctype html>")
    assert str(tmp_path) not in kept(ran, tmp_path)
