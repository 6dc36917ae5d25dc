"""A manifest: a CSV, JSON-lines or Parquet file with one row an image."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.images.layout import PLAIN, Layout
from pipelines.images.manifest import list_rows
from pipelines.images.manifest_files import read_table, texts
from pipelines.images.manifest_inventory import inventory_of_manifest
from pipelines.images.manifest_stat import stated_in
from pipelines.images.picked import whole
from pipelines.images.plain_columns import NotPlainError
from pipelines.records import ImageRef
from pipelines.stores.places import Place


def list_manifest(manifest: str, root: Path | Place, layout: Layout = PLAIN) -> Sequence[ImageRef]:
    """List the images of a manifest: column `path`, and `id`, `label`, `split` where it has them.

    Args:
        manifest: the file or object; other columns are ignored.
        root: the folder that relative paths start from; every image must lie inside it.
        layout: which columns are meant.

    Raises:
        InputError: the file cannot be read, has no `path`, repeats an id, or names a path that is
            empty or outside the root; or its sizes or times, where they are told, are none.
    """
    rows = read_table(manifest, {**layout.columns, **layout.stat_columns})
    stated = stated_in(manifest, rows)
    if isinstance(root, Path) or stated is not None:
        try:
            return whole(inventory_of_manifest(manifest, rows, root, layout, stated))
        except NotPlainError:
            pass
    return list_rows(manifest, texts(rows), root, layout, stated)
