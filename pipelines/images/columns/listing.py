"""Images that lie in a column of Parquet or Arrow files."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

import pyarrow as pa

from pipelines.cli import few, log
from pipelines.errors import InputError
from pipelines.images.arranging import by_option
from pipelines.images.columns.meant import BytesColumns, columns_of_images
from pipelines.images.columns.said import (
    Said,
    UnreadableError,
    kind_of,
    said_of,
    schema_of,
)
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.prefix import refs_with_stat
from pipelines.images.splits import (
    TEST,
    TRAIN,
    UNLABELLED,
    VALIDATION,
    split_named,
    split_of,
    tell_renamed,
)
from pipelines.images.stat_data import make_ref
from pipelines.images.text_values import plain_label, plain_text, several
from pipelines.records import ImageRef, labels_of, storable
from pipelines.stores.members import Member
from pipelines.stores.places import is_remote

_SPLIT_FILE = re.compile(rf"({TRAIN}|{VALIDATION}|{TEST})(?![a-z])", re.IGNORECASE)
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
SHOWN = 3


@dataclass(frozen=True, slots=True)
class _File:
    """A file that holds images.

    Attributes:
        name: below the folder of all files.
        kind: of its members.
        stat: a reference with its stat data.
        columns: of the images and of what is said of them.
        rows: how many there are.
        said: what is said of them.
    """

    name: str
    kind: str
    stat: ImageRef
    columns: BytesColumns
    rows: int
    said: Said

    def column(self, name: str | None) -> Sequence[str | None]:
        """The values of a column, None for each row where there is none."""
        return [None] * self.rows if name is None else self.said[name]


def holds_images(file: str, layout: Layout = PLAIN) -> bool:
    """Whether a Parquet or Arrow file holds images, and not paths as a manifest does.

    Args:
        file: path or URI.
        layout: which columns are meant.

    Raises:
        InputError: it cannot be told which column is meant.
        StoreAwayError: the store gives no answer.
    """
    try:
        return columns_of_images(file, schema_of(file, kind_of(file)), layout) is not None
    except UnreadableError:
        return False


def list_columns(
    root: str,
    files: Sequence[str],
    layout: Layout = PLAIN,
    constants: Mapping[str, Mapping[str, str | None]] | None = None,
) -> list[ImageRef]:
    """List the images in a column of Parquet or Arrow files; no image is read.

    The id is that of the file's own column, or what the image's file was called, where these tell
    all images apart; otherwise `FILE/ROW`. A file that cannot be read is one image that cannot.

    Args:
        root: the folder or prefix that all files lie in.
        files: paths, or URIs in one bucket.
        layout: which columns are meant.
        constants: by file, values that all of its rows have, as a Delta table's log tells them,
            whose files and rows are no ids; None where the folders' names tell (`label=cat`).

    Raises:
        InputError: none of the files can be read, one holds no images, or a label is no class.
        StoreAwayError: the store gives no answer.
    """
    if not files:
        return []
    files = sorted(files)
    found: list[_File] = []
    unreadable: list[ImageRef] = []
    complaints = []
    for file, stat in zip(files, _stats(files), strict=True):
        name = storable(file.removeprefix(root).lstrip("/"))
        try:
            of_all = _partition(name) if constants is None else constants[file]
            found.append(_look_into(file, name, stat, layout, of_all))
        except UnreadableError as error:
            complaints.append(f"{name} ({error})")
            uri = Member("fault", file, 0, 0, str(error)).uri
            unreadable.append(replace(stat, image_id=name, uri=uri, bytes=0, split=UNLABELLED))
    if not found:
        raise InputError(f"no images in {root}: {few(complaints, SHOWN)}")
    if complaints:
        log(f"cannot be read, with all images in them: {few(complaints, SHOWN)}")
    ids = _ids(found, layout, lasting=constants is None)
    by_file = [_split_of_file(each.name) for each in found]
    if any(by_file) and not all(each.columns.split for each in found):
        log(f"splits by the names of the files: {few(sorted({*filter(None, by_file)}), SHOWN)}")
    refs = unreadable
    told = _told_by_paths(root, found, layout)
    for each, split in zip(found, by_file, strict=True):
        tell_renamed(root, {*filter(None, map(plain_text, each.column(each.columns.split)))})
        refs += _refs(each, ids, split, layout.split_by, told)
    return refs


def _told_by_paths(
    root: str, files: Sequence[_File], layout: Layout
) -> Iterator[tuple[str | None, str | None]] | None:
    """The label and the split that each image's path says, file by file; None if none is asked."""
    if layout.labels_from is None:
        return None
    named = [(file, file.columns.path or file.columns.id) for file in files]
    nameless = next((file.name for file, name in named if name is None), None)
    if nameless is not None:
        raise InputError(
            f"--labels_from reads the paths of images, and no column of {nameless} has them; "
            "--label_column names one of labels"
        )
    paths = [tuple((path or "").split("/")) for file, name in named for path in file.column(name)]
    return ((each.label, each.split) for each in by_option(root, paths, layout.labels_from))


def _stats(files: Sequence[str]) -> list[ImageRef]:
    if is_remote(files[0]):
        return refs_with_stat([(file, file, None, "") for file in files])
    return [make_ref(file, file, None, "") for file in files]


def _partition(name: str) -> dict[str, str | None]:
    """What the folders say that a file lies in, as Hive names them."""
    parts = (part.partition("=") for part in name.split("/")[:-1])
    said = {key: unquote(value) for key, mark, value in parts if mark}
    return {key: None if value == NO_VALUE else value for key, value in said.items()}


def _look_into(
    file: str, name: str, stat: ImageRef, layout: Layout, constants: Mapping[str, str | None]
) -> _File:
    kind = kind_of(file)
    schema = schema_of(file, kind)
    constants = {key: value for key, value in constants.items() if key not in schema.names}
    for key in constants:
        schema = schema.append(pa.field(key, pa.string()))
    columns = columns_of_images(file, schema, layout)
    if columns is None:
        raise InputError(
            f"{file} has no column of images, it has {', '.join(schema.names) or 'none'}; "
            "--path_column names one"
        )
    said = said_of(file, kind, columns.said, constants, columns.label)
    return _File(name, kind, stat, columns, *said)


def _ids(files: Sequence[_File], layout: Layout, *, lasting: bool) -> Iterator[str]:
    """The ids of all rows, file by file; `lasting` are names of files."""
    passed = []
    for what in ("id", "path"):
        names = [getattr(file.columns, what) for file in files]
        if not all(names):
            continue
        ids = [each for file, name in zip(files, names, strict=True) for each in file.column(name)]
        if all(each and "\0" not in each for each in ids) and len({*ids}) == len(ids):
            return map(str, ids)
        if what in layout.columns and what == "id":
            raise InputError(
                f"column {names[0]!r} of {files[0].name} does not tell all images apart; without "
                "--id_column their ids are made of their files and rows"
            )
        passed.append(names[0])
    if not lasting:
        raise InputError(
            "the rows of a Delta table move from file to file, and no column of it tells all "
            "images apart; name one that does with --id_column"
        )
    if passed:
        log(f"ids are FILE/ROW, because {few(passed, SHOWN)} does not tell all images apart")
    # As many digits for all, so that a file's images are read in order.
    return (f"{file.name}/{row:09d}" for file in files for row in range(file.rows))


def _split_of_file(name: str) -> str | None:
    """The split that a file's name, or a folder's that it lies in, says that it is of."""
    for part in reversed(PurePosixPath(name).parts):
        if said := _SPLIT_FILE.match(part):
            return said[1].lower()
    return None


def _refs(
    file: _File,
    ids: Iterator[str],
    split: str | None,
    split_by: str | None,
    told: Iterator[tuple[str | None, str | None]] | None,
) -> Iterator[ImageRef]:
    columns = file.columns
    labels, splits = file.column(columns.label), file.column(columns.split)
    lengths, groups = file.column(columns.length), file.column(columns.group)
    for row in range(file.rows):
        image_id, group = next(ids), plain_text(groups[row])
        said = plain_text(splits[row])
        if told is None:
            label = _class(file, row, plain_label(labels[row]))
        else:
            label, by_path = next(told)
            said = said or by_path
        said = said or split
        place = split_named(said) if said else split_of(image_id, label, group, split_by)
        uri = Member(file.kind, file.stat.uri, row, 1, columns.image).uri
        length = lengths[row] or ""
        # A million rows have few labels and splits: one string each serves all.
        yield replace(
            file.stat,
            image_id=image_id,
            uri=uri,
            label=None if label is None else sys.intern(label),
            split=sys.intern(place),
            bytes=int(length) if length.isdecimal() else 0,
            group=None if group is None else sys.intern(group),
        )


def _class(file: _File, row: int, label: str | None) -> str | None:
    classes = file.columns.classes
    if classes is None or label is None or label == "-1":
        return label if classes is None else None
    numbers = labels_of(label)
    if numbers is not None:
        return several(_class(file, row, number) for number in numbers)
    number = int(label)
    if not 0 <= number < len(classes):
        raise InputError(f"row {row} of {file.name} is of class {number}; it has {len(classes)}")
    return classes[number]
