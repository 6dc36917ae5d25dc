"""What a command must not write to: what it reads, and the insides of tables and models."""

import os
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import UsageError

OUTPUTS = ("json", "output", "page")
"""Options that name a file to write."""

VERSIONS = "_versions"
"""In the folder of a model that has several, the folder of them."""

TABLES = {"_delta_log": "a table"}
_STORES = (("s3:",), ("gs:",))
INSIDES = {**TABLES, "model.keras": "a model", "model.skops": "a model", VERSIONS: "a model"}
"""What the folder of a table or a model holds. Nothing is written into one; none is an input."""


def refuse_inputs_as_outputs(options: Mapping[str, object]) -> None:
    """Refuse options by which a command would write over what it reads, or into what is ours.

    Args:
        options: values by the options' names.

    Raises:
        UsageError: names both options, or the table or model.
    """
    places = {
        name: Path(value) for name, value in options.items() if isinstance(value, str | os.PathLike)
    }
    for name in OUTPUTS:
        if name not in places:
            continue
        require_outside(places[name], f"--{name}")
        for other, place in places.items():
            if other != name and _same(place, places[name]):
                raise UsageError(
                    f"--{name} {places[name]} is what --{other} names; it would be written over"
                )


def require_outside(path: Path, option: str, of: Mapping[str, str] = INSIDES) -> None:
    """Refuse a place inside the folder of a table or a model.

    Args:
        path: a file or folder to be made.
        option: that names it, for the complaint.
        of: what tells such a folder, and of what it is one.

    Raises:
        UsageError: it names the table or model.
    """
    for folder in path.absolute().resolve().parents:
        for name, what in of.items():
            if (folder / name).exists():
                raise UsageError(f"{option} {path} lies in {what}, {folder}; name a place outside")


def _same(one: Path, other: Path) -> bool:
    if one == other and one.parts[:1] in _STORES:
        return True
    try:
        return one.is_file() and one.samefile(other)
    except (OSError, ValueError):  # neither need be there, nor be a path at all
        return False
