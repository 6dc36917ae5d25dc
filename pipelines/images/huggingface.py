"""Folders as Hugging Face's `datasets` reads them: a file of metadata is the manifest."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pipelines.cli import log
from pipelines.errors import InputError
from pipelines.images.arranging import Parts
from pipelines.images.layout import Layout
from pipelines.images.manifest import list_rows
from pipelines.images.manifest_columns import NoPathError
from pipelines.images.manifest_files import Columns, read_columns
from pipelines.images.passed_over import PassedOver
from pipelines.images.splits import split_meant
from pipelines.records import ImageRef
from pipelines.stores.places import Place

FILE_NAME = "file_name"
"""The column that makes a manifest of such a file; its paths start from the file's folder."""


def list_described(
    root: Path | Place, passed: PassedOver, images: Iterable[Parts], layout: Layout
) -> list[ImageRef] | None:
    """List the images that metadata in a folder, or in the folders of its splits, name.

    Args:
        root: the folder or prefix.
        passed: what lies below it besides images, files that are called so among them.
        images: where images lie below it; how many of them are not named is told.
        layout: what columns are called; where it says how folders are to be read, they are.

    Returns:
        The images; None where no such file is a manifest.

    Raises:
        InputError: a file cannot be read, or it may be meant as well as the folders' names.
    """
    if layout.labels_from is not None:
        return None
    refs: list[ImageRef] = []
    found: dict[Parts, str] = {}
    for parts in sorted(each for each in passed.metadata if len(each) <= 2):
        where = _below(root, parts)
        try:
            rows = read_columns(where, {"path": FILE_NAME} | dict(layout.columns))
        except NoPathError:
            continue
        folders = parts[:-1]
        if folders in found:
            raise InputError(f"{where} and {found[folders]} are both manifests; remove one")
        found[folders] = where
        passed.taken_otherwise(parts)
        log(
            f"{where} is taken for the manifest of its folder, as folders for Hugging Face have "
            "it; --labels_from folder reads the folders alone"
        )
        refs += list_rows(where, _from_root(where, rows, folders), root, layout)
    if not found:
        return None
    named = {ref.uri for ref in refs}
    left_out = ["/".join(parts) for parts in images if _below(root, parts) not in named]
    if left_out:
        log(
            f"{len(left_out)} of {passed.taken} images in {_below(root, ())} are not in its "
            f"metadata and are not read, {min(left_out)!r} among them"
        )
    return refs


def _from_root(where: str, rows: Columns, folders: Sequence[str]) -> Columns:
    """The same rows with paths from the root, and splits by the folder where none is named."""
    paths = ["/".join([*folders, path]) if path else path for path in rows["path"]]
    firsts = [(path or "").rpartition("/")[0].partition("/")[0] for path in paths]
    if not any(rows["label"]) and not all(split_meant(first) for first in firsts if first):
        raise InputError(
            f"{where} says no labels, and the folders of its images may; --labels_from folder or "
            f"parent reads the folders alone, and --input {where} the file alone"
        )
    named = zip(rows["split"], firsts, strict=True)
    splits = [split or (first if split_meant(first) else None) for split, first in named]
    return {**rows, "path": paths, "split": splits}


def _below(root: Path | Place, parts: Parts) -> str:
    if isinstance(root, Place):
        return root.at("/".join([*filter(None, [root.key]), *parts])).uri
    return str(root.joinpath(*parts))
