"""A Delta table of another program's as an input: its rows are images, or name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError
from pipelines.images.columns.listing import list_columns
from pipelines.images.columns.meant import PATHS, columns_of_images, named_column
from pipelines.images.columns.said import UnreadableError, said_of, schema_of
from pipelines.images.layout import COLUMNS, Layout
from pipelines.images.manifest import fence_around, list_rows
from pipelines.images.text_values import plain_label, plain_text
from pipelines.outputs import TABLES
from pipelines.records import ImageRef
from pipelines.stores.clients import delta_options
from pipelines.stores.delta_readers import said_by_delta, unknown_features
from pipelines.stores.objects import first_objects
from pipelines.stores.places import Place

LOG = "_delta_log"
OURS = "frozen_features."
"""What the properties of a feature table begin with."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a version.

    Attributes:
        version: its number.
        constants: by path or URI, the values of the partition that the file is of.
    """

    version: int
    constants: Mapping[str, Mapping[str, str | None]]


def is_delta_table(folder: Path | Place) -> bool:
    """Whether a folder or prefix is a Delta table.

    Raises:
        StoreError: the store does not say.
    """
    if isinstance(folder, Place):
        return bool(first_objects(folder.at(f"{folder.key}/{LOG}".lstrip("/"))))
    return (folder / LOG).is_dir()


def list_delta(folder: Path | Place, root: Path | Place | None, layout: Layout) -> list[ImageRef]:
    """List the images that are in a column of a Delta table, or that its rows name by paths.

    Args:
        folder: the table's.
        root: the folder that paths are relative to and must lie in; the table's own when None.
        layout: which columns are meant, and which version; the newest if none is named.

    Raises:
        InputError: it is a feature table, there is no such version, it cannot be read, or its rows
            do not tell images apart.
        StoreAwayError: the store gives no answer.
    """
    where = folder.uri if isinstance(folder, Place) else str(folder)
    found = _files_of(folder, where, layout.version)
    if not found.constants:
        raise InputError(f"version {found.version} of {where} has no rows")
    try:
        first, constants = next(iter(found.constants.items()))
        schema = schema_of(first, "parquet")
        for name in constants.keys() - {*schema.names}:
            schema = schema.append(pa.field(name, pa.string()))
        if columns_of_images(where, schema, layout) is not None:
            return list_columns(where, [*found.constants], layout, found.constants)
        rows = _rows(where, schema, layout, found)
    except UnreadableError as error:
        raise InputError(f"cannot read {where}: {error}") from error
    return list_rows(where, rows, folder if root is None else root, layout)


def _rows(
    where: str, schema: pa.Schema, layout: Layout, found: _Files
) -> dict[str, list[str | None]]:
    called = {ours: named_column(where, schema, layout, ours) for ours in COLUMNS}
    if called["path"] is None:
        others = [name for name in schema.names if name.strip().lower() in PATHS]
        called["path"] = others[0] if len(others) == 1 else None
    if called["path"] is None:
        raise InputError(
            f"{where} has no column 'path', it has {', '.join(schema.names)}; --path_column names "
            "the one that is meant"
        )
    names = [name for name in called.values() if name is not None]
    rows: dict[str, list[str | None]] = {ours: [] for ours in COLUMNS}
    for file, constants in found.constants.items():
        count, said = said_of(file, "parquet", names, constants, called["label"])
        for ours, name in called.items():
            values = [None] * count if name is None else said[name]
            if ours in ("path", "id"):
                rows[ours] += values
            else:
                rows[ours] += map(plain_label if ours == "label" else plain_text, values)
    return rows


def _files_of(folder: Path | Place, where: str, version: int | None) -> _Files:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    settings = delta_options(folder) if isinstance(folder, Place) else None
    try:
        table = DeltaTable(where, storage_options=settings)
        newest = int(table.version())
        if version is not None and version > newest:
            raise InputError(f"{where} has no version {version}, only 0 to {newest}")
        if version is not None:
            table = DeltaTable(where, version=version, storage_options=settings)
        _check_readable(where, table)
        actions = pa.table(table.get_add_actions(flatten=True))
        return _Files(int(table.version()), _constants(folder, where, actions))
    # ValueError: what is in the log is no number, no JSON, or of another type than it must be.
    except (DeltaError, OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"cannot read {where}: {said_by_delta(error)}") from error


def _check_readable(where: str, table: Any) -> None:  # noqa: ANN401 - mypy does not follow it
    settings = table.metadata().configuration
    if any(name.startswith(OURS) for name in settings):
        raise InputError(
            f"{where} is {TABLES[LOG]} of features, which --table names; --input names images"
        )
    wanted = unknown_features(table.protocol(), settings)
    if wanted:
        raise InputError(
            f"{where} wants readers that know {', '.join(wanted)}, which these commands do "
            "not; write its rows into a table without"
        )


def _constants(
    folder: Path | Place, where: str, actions: pa.Table
) -> dict[str, dict[str, str | None]]:
    fence = fence_around(folder)
    prefix = "partition."
    texts = {
        name.removeprefix(prefix): pc.cast(actions.column(name), pa.string()).to_pylist()
        for name in actions.schema.names
        if name.startswith(prefix)
    }
    found = {}
    for number, spelled in enumerate(actions.column("path").to_pylist()):
        path = unquote(spelled)
        file = None if "://" in path else fence.locate(path)
        if file is None:
            raise InputError(f"the log of {where} names {path!r}, which lies outside of it")
        found[file] = {name: values[number] for name, values in texts.items()}
    return dict(sorted(found.items()))
