"""Executes `analyst.ipynb`, and keeps what it showed: `make notebook`.

It runs in a folder of its own, so that nothing is left beside the examples; that folder's name,
and who ran it where, are taken out of what is kept.
"""

import getpass
import json
import os
import shutil
import socket
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parent
NOTEBOOK = EXAMPLES / "analyst.ipynb"

SECONDS = 600
"""What a cell may take."""


def executed(folder: Path) -> nbformat.NotebookNode:
    """Run every cell of the notebook, with this build of the project, and return it with outputs.

    Args:
        folder: an empty one, to run in.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    for source in (NOTEBOOK, EXAMPLES / "digits.py"):
        shutil.copy(source, folder)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=os.environ | {"PYTHONPATH": str(EXAMPLES.parent)})
    return notebook


def kept(notebook: nbformat.NotebookNode, folder: Path) -> str:
    """The notebook as it is kept: of no machine, no person, and without any picture twice."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                output.data.pop("image/jpeg", None)  # Pillow gives both
    text: str = nbformat.writes(notebook)
    for place in {str(folder), str(folder.resolve())}:
        text = text.replace(json.dumps(place)[1:-1] + "/", "")
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    return text.replace(who, "analyst@laptop") + "\n"


def main() -> None:
    """Renew the outputs."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        NOTEBOOK.write_text(kept(executed(folder), folder), encoding="utf-8")
    print(f"{NOTEBOOK}: {NOTEBOOK.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
