"""Listing a folder as columns: what folders say is asked of each once, not of each image.

What depends on the images' own names, or on all of them, is left to
`pipelines.images.arranging`, which also knows what to say of folders that cannot be understood.
"""

import itertools
import os
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError
from pipelines.images.arranging import Parts, Said, said_by, say
from pipelines.images.folder import ImageFolder
from pipelines.images.inventory import Coded, Codes, Inventory, as_bytes
from pipelines.images.layout import BY_ID, FILENAME, NONE, PLAIN, Layout
from pipelines.images.manifest_stat import Stated
from pipelines.images.plain_columns import NotPlainError, ascends, coded_splits, recoded
from pipelines.images.stat_data import stat_data_of
from pipelines.images.stated_files import stated_by_files
from pipelines.records import storable


def inventory_of_folder(
    root: str, found: Sequence[ImageFolder], layout: Layout = PLAIN
) -> Inventory:
    """List the images of a folder, ascending by id.

    Args:
        root: the folder.
        found: what `find_in_folder` gives of it.
        layout: how it is to be understood.

    Raises:
        NotPlainError: it cannot be understood, or not folder by folder.
    """
    if not found or layout.label_separator is not None or layout.split_by not in (None, BY_ID):
        raise NotPlainError
    folder_of = np.repeat(np.arange(len(found), dtype=np.int32), [len(f.names) for f in found])
    names = [*itertools.chain.from_iterable(folder.names for folder in found)]
    parts = [tuple(map(storable, folder.parts)) for folder in found]
    above = pa.array(["".join(f"{part}/" for part in each) for each in parts], pa.large_string())
    ids = _joined(above, folder_of, pa.array(map(storable, names), pa.large_string()))
    uris = _joined(as_bytes([folder.start for folder in found]), folder_of, as_bytes(names))
    order = pc.sort_indices(ids)
    ids, folder_of = ids.take(order), folder_of[order.to_numpy()]
    if not ascends(ids):  # two names became one id
        raise NotPlainError
    said = _said(root, parts, layout)
    # Asked as folders have them, which is how a disk may have them too.
    stated, uris = _stated(uris).taken(order), uris.take(order)
    labels = recoded(folder_of, [each.label for each in said])
    groups = Coded(np.zeros(len(ids), np.int32), (None,))
    splits = coded_splits(ids, recoded(folder_of, [each.split for each in said]), labels, groups)
    if layout.id_prefix:
        nothing = pa.scalar("", pa.large_string())
        ids = pc.binary_join_element_wise(pa.scalar(layout.id_prefix, ids.type), ids, nothing)
    return Inventory(
        *(ids, uris, labels, splits, groups),
        *(stated.sizes, stated.modified, stated.changed),
    )


def _joined(above: pa.Array, folder_of: Codes, names: pa.Array) -> pa.Array:
    nothing = pa.scalar(b"", names.type)
    return pc.binary_join_element_wise(above.take(pa.array(folder_of)), names, nothing)


def _said(root: str, folders: Sequence[Parts], layout: Layout) -> list[Said]:
    """What each folder says of every image in it."""
    examples = [(*folder, "") for folder in folders]
    labels = layout.labels_from
    if labels is not None:
        # How many images have no label is told, and folders do not say.
        without = (said_by(labels, each).label is None for each in examples)
        if labels.kind == FILENAME or (labels.kind != NONE and any(without)):
            raise NotPlainError
    try:
        return say(root, examples, layout)
    except InputError as error:
        raise NotPlainError from error


def _stated(uris: pa.LargeBinaryArray) -> Stated:
    """As `make_ref` has it, which follows links."""
    stated, links = stated_by_files(uris)
    for place in links:
        numbers = stat_data_of(os.fsdecode(uris[place].as_py()))
        stated.sizes[place], stated.modified[place], stated.changed[place] = numbers
    return stated
