"""Listing a manifest of plain paths as columns: at most a file's stat data is asked row by row.

What is not plain about a manifest is left to `pipelines.images.manifest`, which also knows what to
say of it: paths that lead about, links, ids that are repeated, lists of labels.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.images.inventory import BLOCK, Coded, Inventory
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.manifest import FolderFence
from pipelines.images.manifest_stat import Stated
from pipelines.images.name_index import hashes_of
from pipelines.images.plain_columns import NotPlainError, ascends, coded_splits, recoded
from pipelines.images.plain_paths import are_plain, holds_null_byte
from pipelines.images.splits import tell_renamed
from pipelines.images.stated_files import stated_by_files
from pipelines.images.text_values import plain_label, plain_text, texts_of
from pipelines.stores.places import Place


def inventory_of_manifest(
    manifest: str,
    rows: pa.Table,
    root: Path | Place,
    layout: Layout = PLAIN,
    stated: Stated | None = None,
) -> Inventory:
    """List the images of a plain manifest, ascending by id.

    Args:
        manifest: the file, for what is told.
        rows: what `read_table` gives of it.
        root: the folder that relative paths start from; every image must lie inside it.
        layout: how it is to be understood.
        stated: the rows' stat data; of a store's objects none other are asked for here.

    Raises:
        NotPlainError: it is not plain.
    """
    told = (layout.labels_from, layout.label_separator, layout.id_prefix, layout.split_by)
    if any(told) or not rows.num_rows or (stated is None and isinstance(root, Place)):
        raise NotPlainError
    paths = _names(rows, "path")
    ids = _names(rows, "id") if "id" in rows.column_names else paths
    uris = _located(paths, root)
    del paths
    order = None if ascends(ids) else pc.sort_indices(ids)
    if order is not None:
        uris = uris.take(order)  # before the ids: of ten million each copy is half a gigabyte
        ids = ids.take(order)
    # Of plain paths below one root, no two mean the same place.
    if pc.any(pc.equal(ids[1:], ids[:-1])).as_py() or not _distinct(uris):
        raise NotPlainError
    labels = _coded(rows, "label", plain_label, order)
    groups = _coded(rows, "group", plain_text, order)
    named = _coded(rows, "split", plain_text, order)
    tell_renamed(manifest, {split for split in named.values if split})
    splits = coded_splits(ids, named, labels, groups)
    if isinstance(root, Path):
        _require_inside(uris, FolderFence(root))
    if stated is None:
        stated, links = stated_by_files(uris)
        if len(links):
            raise NotPlainError
    else:
        stated = stated.taken(order)
    return Inventory(
        *(ids, uris.cast(pa.large_binary()), labels, splits, groups),
        *(stated.sizes, stated.modified, stated.changed),
    )


def _names(rows: pa.Table, column: str) -> pa.LargeStringArray:
    values = rows.column(column)
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)) or values.null_count:
        raise NotPlainError
    try:
        names = pa.concat_arrays(values.cast(pa.large_string()).chunks)
        names.validate(full=True)
    except pa.ArrowInvalid as error:
        raise NotPlainError from error
    if holds_null_byte(names) or pc.any(pc.equal(names, "")).as_py():
        raise NotPlainError
    return names


def _distinct(names: pa.LargeStringArray) -> bool:
    """Whether no two are alike; where two have one hash, it is not known, and denied."""
    if ascends(names):
        return True
    hashes = np.sort(hashes_of(names))
    return not (hashes[1:] == hashes[:-1]).any()


def _located(paths: pa.LargeStringArray, root: Path | Place) -> pa.LargeStringArray:
    """The files that paths mean, as `Fence.locate` says where it finds them inside."""
    absolute = pc.starts_with(paths, "/")
    if isinstance(root, Place):
        below = pc.binary_join_element_wise(
            pa.scalar("", pa.large_string()), paths, pa.scalar("/", pa.large_string())
        )
        if pc.any(absolute).as_py() or not are_plain(below):
            raise NotPlainError
        above = pa.scalar(root.uri, pa.large_string())
        return pc.binary_join_element_wise(above, below, pa.scalar("", pa.large_string()))
    uris = paths
    if not pc.all(absolute).as_py():
        if pc.any(absolute).as_py():
            raise NotPlainError
        above = pa.scalar(os.path.normpath(root).rstrip("/"), pa.large_string())
        uris = pc.binary_join_element_wise(above, paths, pa.scalar("/", pa.large_string()))
    if not are_plain(uris):
        raise NotPlainError
    return uris


def _coded(
    rows: pa.Table, column: str, plain: Callable[[str | None], str | None], order: pa.Array | None
) -> Coded:
    if column not in rows.column_names:
        return Coded(np.zeros(rows.num_rows, np.int32), (None,))
    values = rows.column(column)
    if pa.types.is_nested(values.type):
        raise NotPlainError
    encoded = values.combine_chunks().dictionary_encode()
    try:
        texts = [*map(plain, texts_of(encoded.dictionary)), None]
    except ValueError as error:
        raise NotPlainError from error
    codes = encoded.indices.fill_null(len(texts) - 1).to_numpy()
    return recoded(codes if order is None else codes[order.to_numpy()], texts)


def _require_inside(uris: pa.LargeStringArray, fence: FolderFence) -> None:
    """Refuse files in folders that links make lie elsewhere."""
    inside: set[str] = set()
    for start in range(0, len(uris), BLOCK):
        parts = pc.split_pattern(uris[start : start + BLOCK], "/", max_splits=1, reverse=True)
        above = parts.flatten().take(pa.array(np.arange(0, 2 * len(parts), 2)))
        folders = {*pc.unique(above).to_pylist()} - inside
        if not all(fence.holds(os.path.realpath(folder or "/")) for folder in folders):
            raise NotPlainError
        inside |= folders
