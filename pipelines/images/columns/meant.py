"""Which columns of a Parquet or Arrow file hold images and what is said of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.cli import log
from pipelines.errors import InputError
from pipelines.images.layout import Layout
from pipelines.stores.column_values import SPARK_IMAGE
from pipelines.untrusted import value_from_json

PATHS = ("file_name", "filename", "filepath", "image")
"""What else a column of paths is called; beside one, only a column of `LIKELY` holds images."""

LIKELY = ("image", "img", "bytes", "image_bytes", "content", "data", "jpg", "jpeg", "png")
"""What a column of images' bytes is called."""

CLASSES = ("class", "category", "target")
"""What else a column of labels is called; one that stands alone is taken, and that is said."""

LISTS = ("Sequence", "List", "LargeList")
"""What `datasets` calls a column of lists."""

BINARY_FILE = ("path", "modificationTime", "length", "content")
"""The columns of Spark's source of that name."""

HUGGING_FACE = b"huggingface"
"""Where the library `datasets` keeps what columns mean: in the schema's metadata."""


@dataclass(frozen=True, slots=True)
class BytesColumns:
    """The columns of one file, those inside of a struct as `image.bytes`; None for what it has not.

    Attributes:
        image: holds images' bytes.
        path: what their files were called.
        id: their ids.
        label: class names, or their numbers in `classes`.
        split: names of splits.
        group: what images have in common that no split may tell apart.
        length: how many bytes an image has.
        classes: names by number; None where labels are names.
    """

    image: str
    path: str | None
    id: str | None
    label: str | None
    split: str | None
    group: str | None
    length: str | None
    classes: tuple[str, ...] | None

    @property
    def said(self) -> tuple[str, ...]:
        """All but the images."""
        named = (self.path, self.id, self.label, self.split, self.group, self.length)
        return tuple(dict.fromkeys(filter(None, named)))


def columns_of_images(file: str, schema: pa.Schema, layout: Layout) -> BytesColumns | None:
    """The columns of a file that holds images; None where it holds none, or a manifest's paths.

    Args:
        file: for complaints.
        schema: the file's.
        layout: which columns are meant.

    Raises:
        InputError: it cannot be told which of several is meant, or there is no column of a name
            that is given.
    """
    features = _features(file, schema)
    image = _image(file, schema, layout, features)
    if image is None:
        return None
    kind = schema.field(image).type
    inside = {field.name for field in kind} if pa.types.is_struct(kind) else set[str]()
    path = next((f"{image}.{name}" for name in ("path", "origin") if name in inside), None)
    if path is None:
        path = _first([name for name in schema.names if _plain(name) in ("path", *PATHS)], image)
    label = named_column(file, schema, layout, "label") or _label(file, schema, layout, features)
    ours = {name: named_column(file, schema, layout, name) for name in ("id", "split", "group")}
    _refuse_repeated(file, schema, [path, label, *ours.values()])
    return BytesColumns(
        image=f"{image}.bytes" if "bytes" in inside else image,
        path=path,
        id=ours["id"],
        label=label,
        split=ours["split"],
        group=ours["group"],
        length="length" if _is_binary_file(schema) else None,
        classes=_classes(file, features.get(label or ""), schema, label),
    )


def _image(
    file: str, schema: pa.Schema, layout: Layout, features: Mapping[str, Mapping[str, Any]]
) -> str | None:
    given = layout.columns.get("path")
    if given is not None:
        return given if given in schema.names and _holds_bytes(schema.field(given)) else None
    holding = [field.name for field in schema if _holds_bytes(field)]
    _refuse_repeated(file, schema, holding)
    meant = [name for name in holding if features.get(name, {}).get("_type") == "Image"]
    structs = [name for name in holding if pa.types.is_struct(schema.field(name).type)]
    if not meant and _is_binary_file(schema):
        meant = ["content"]
    if not meant and not structs:
        plain = [_plain(name) for name in schema.names]
        if "path" in plain:
            return None
        likely = [name for name in holding if _plain(name) in LIKELY]
        beside_paths = any(_plain(name) in PATHS for name in schema.names if name not in holding)
        holding = likely if beside_paths or (len(holding) > 1 and likely) else holding
    found = meant or structs or holding
    if len(found) > 1:
        raise InputError(
            f"{file} has images in columns {' and '.join(map(repr, found))}; "
            f"--path_column {found[0]!r} takes the first"
        )
    return found[0] if found else None


def _refuse_repeated(file: str, schema: pa.Schema, names: Iterable[str | None]) -> None:
    for name in names:
        if name is not None and (times := schema.names.count(name)) > 1:
            raise InputError(f"{file} has {times} columns {name!r}; rename all but one")


def _holds_bytes(field: pa.Field) -> bool:
    kind = field.type
    if pa.types.is_struct(kind):
        names = {inside.name for inside in kind}
        return names >= SPARK_IMAGE or ("bytes" in names and _holds_bytes(kind.field("bytes")))
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    )


def _is_binary_file(schema: pa.Schema) -> bool:
    names = {*schema.names}
    return names.issuperset(BINARY_FILE) and _holds_bytes(schema.field("content"))


def named_column(file: str, schema: pa.Schema, layout: Layout, ours: str) -> str | None:
    """What the file calls a column of `COLUMNS`; None where it has none.

    Raises:
        InputError: there is none of the name that is given.
    """
    given: str | None = layout.columns.get(ours)
    if given is not None:
        if given not in schema.names:
            raise InputError(
                f"{file} has no column {given!r}, which --{ours}_column names; it has "
                f"{', '.join(schema.names)}"
            )
        return given
    return _first([name for name in schema.names if _plain(name) == ours])


def _label(
    file: str, schema: pa.Schema, layout: Layout, features: Mapping[str, Mapping[str, Any]]
) -> str | None:
    free: list[str] = [name for name in schema.names if name not in layout.columns.values()]
    of_classes = [name for name in free if features.get(name, {}).get("_type") == "ClassLabel"]
    likely = of_classes or [name for name in free if _plain(name) in CLASSES]
    if len(likely) == 1:
        log(f"of {file}, column {likely[0]!r} is taken for the label")
        return likely[0]
    if likely:
        log(
            f"no column of {file} is taken for the label, as {' and '.join(map(repr, likely))} "
            f"may be it; --label_column {likely[0]!r} takes the first"
        )
    return None


def _features(file: str, schema: pa.Schema) -> dict[str, Mapping[str, Any]]:
    """What `datasets` says of columns, by their names."""
    said = (schema.metadata or {}).get(HUGGING_FACE)
    if said is None:
        return {}
    try:
        found = value_from_json(said, dict[str, Any])
    except ValueError as error:
        raise InputError(
            f"what {file} says of its columns, in its schema's metadata, cannot be read: {error}"
        ) from error
    for name in ("info", "features"):
        found = found.get(name, {}) if isinstance(found, dict) else {}
    if not isinstance(found, dict):
        return {}
    return {name: kind for name, kind in found.items() if isinstance(kind, dict)}


def _classes(
    file: str, feature: Mapping[str, Any] | None, schema: pa.Schema, label: str | None
) -> tuple[str, ...] | None:
    kind = None if label is None else schema.field(label).type
    listed = feature is not None and feature.get("_type") in LISTS
    if feature is not None and kind is not None and listed and pa.types.is_list(kind):
        inside = feature.get("feature")
        feature, kind = (inside if isinstance(inside, dict) else None), kind.value_type
    if feature is None or feature.get("_type") != "ClassLabel":
        return None
    names = feature.get("names")
    if not pa.types.is_integer(kind):
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"the schema of {file} does not name the classes of column {label!r}")
    return tuple(names)


def _first(names: Iterable[str], but: str | None = None) -> str | None:
    return next((name for name in names if name != but), None)


def _plain(name: str) -> str:
    return name.strip().lower()
