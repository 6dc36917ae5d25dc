"""Holding the inputs against a table's rows as columns: only what is in doubt becomes objects."""

import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.images.hashing import ContentHashes
from pipelines.images.inventory import Coded, Codes, Inventory
from pipelines.images.name_index import Places
from pipelines.images.picked import Mask, Names, among
from pipelines.planning.comparison import Comparison, compare
from pipelines.records import storable
from pipelines.stores.members import UNPACKED_IN_ORDER
from pipelines.table.names import is_of_run, run_began, run_of_path
from pipelines.table.schema import GROUP
from pipelines.table.stored import StoredRows

BLOCK = 262_144
"""Rows whose places and times are held beside the input's at once."""


def compare_columns(
    inputs: Inventory, keys: pa.Table, hashes: ContentHashes, run: str | None = None
) -> tuple[Comparison, StoredRows]:
    """Sort inputs and rows as `compare` does, of a table without copies.

    Rows that are their input's for certain, and say the same of it, are told by columns; the rest
    is left to `compare`.

    Args:
        inputs: the images.
        keys: what `FeatureTable.keys` gives.
        hashes: see `compare`.
        run: see `compare`.

    Returns:
        What became of them, and the rows by name.
    """
    places = inputs.places(keys.column("image_id"))
    stored = StoredRows(keys, places)
    settled = settled_rows(inputs, keys, places, run)
    rest = stored.where(pa.array(~settled))
    found = compare(among(inputs, rest), rest, hashes, run)
    held = np.zeros(len(inputs), np.bool_)
    held[places[places >= 0]] = True
    same = np.zeros(len(inputs), np.bool_)
    same[places[settled]] = True
    comparison = replace(
        found, new=Names(inputs, ~held), same=Names(inputs, same) | frozenset(found.same)
    )
    return comparison, stored


def settled_rows(inputs: Inventory, keys: pa.Table, places: Places, run: str | None) -> Mask:
    """Whether each row is its input's for certain and has its label, split and group.

    Args:
        inputs: the images.
        keys: what `FeatureTable.keys` gives.
        places: of each row, where its image stands among the inputs; -1 where it does not.
        run: see `compare`.
    """
    settled = np.zeros(keys.num_rows, np.bool_)
    for start in range(0, keys.num_rows, BLOCK):
        here = slice(start, start + BLOCK)
        found = np.flatnonzero(places[here] >= 0)
        rows = keys.slice(start, BLOCK).combine_chunks()
        if len(found) < rows.num_rows:
            rows = rows.take(pa.array(found))
        settled[start + found] = _settled_rows(inputs, rows, places[here][found], run)
    return settled


def _settled_rows(inputs: Inventory, rows: pa.Table, places: Places, run: str | None) -> Mask:
    paths = _encoded(rows, "path")
    names = paths.dictionary.to_pylist()
    began = np.array([run_began(run_of_path(name)) for name in names], np.int64)
    own = np.array([is_of_run(name, run) for name in names], np.bool_)
    file = paths.indices.to_numpy()
    changed = inputs.changed[places]
    certain: Mask = (
        (inputs.modified[places] == rows["modified"].to_numpy())
        & (changed > 0)
        & (changed < (began[file] if len(file) else changed))
        & _equal_places_and_sizes(inputs, rows, places)
    )
    if own.any():
        certain |= own[file]
    said = {"label": inputs.labels, "split": inputs.splits, GROUP: inputs.groups}
    for name, coded in said.items():
        certain &= coded.codes[places] == _codes(rows, name, coded)
    return certain


def _equal_places_and_sizes(inputs: Inventory, rows: pa.Table, places: Places) -> Mask:
    uris = inputs.uris.take(pa.array(places))
    sizes = inputs.sizes[places]
    equal: Mask = sizes == rows["bytes"].to_numpy()
    if not equal.all():  # of what is unpacked in order only reading tells the size
        packed = pc.match_substring_regex(uris, UNPACKED_IN_ORDER)
        equal |= (sizes == 0) & packed.to_numpy(zero_copy_only=False)
    both: Mask = equal & _equal_places(uris, _column(rows, "uri"))
    return both


def _equal_places(uris: pa.LargeBinaryArray, stored: pa.StringArray) -> Mask:
    equal = np.array(pc.equal(uris, stored.cast(pa.large_binary())))
    if not equal.all():  # a name that is not UTF-8 is stored as `storable` writes it
        written = np.array(pc.match_substring(stored, "\\x"))
        for place in np.flatnonzero(written & ~equal):
            uri = os.fsdecode(uris[place].as_py())
            equal[place] = storable(uri) == stored[place].as_py()
    return equal


def _codes(rows: pa.Table, name: str, coded: Coded) -> Codes:
    column = _encoded(rows, name)
    known = coded.code_of([*column.dictionary.to_pylist(), None])
    places = column.indices.fill_null(len(known) - 1).to_numpy()
    codes: Codes = known[places]
    return codes


def _encoded(rows: pa.Table, name: str) -> pa.DictionaryArray:
    return _column(rows, name).dictionary_encode()


def _column(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)
