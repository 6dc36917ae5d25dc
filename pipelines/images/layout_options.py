"""The options that say how an input is to be understood, of all commands that read images."""

import argparse

from pipelines.cli import whole_number
from pipelines.errors import UsageError
from pipelines.images.layout import COLUMNS, SPLIT_BY, STAT_COLUMNS, LabelsFrom, Layout
from pipelines.records import storable

LAYOUT_OPTIONS = (
    *(f"{name}_column" for name in (*COLUMNS, *STAT_COLUMNS)),
    "id_prefix",
    "input_version",
    "allow_private_hosts",
    "any_suffix",
    "labels_from",
    "label_separator",
    "split_by",
)


def add_layout_options(parser: argparse.ArgumentParser, applies: str = "") -> None:
    """Give a command the options that make a `Layout`.

    Args:
        parser: the command's.
        applies: what must be given besides for them to have a meaning, "with --input".
    """
    group = parser.add_argument_group("how the input is to be understood", applies or None)
    group.add_argument("--input_root", help="folder that a manifest's paths are relative to")
    for name in COLUMNS:
        group.add_argument(
            f"--{name}_column", metavar="NAME", help=f"column of a manifest's {name}"
        )
    for name, what in zip(STAT_COLUMNS, ("size in bytes", "time of last change"), strict=True):
        group.add_argument(
            f"--{name}_column",
            metavar="NAME",
            help=f"column of a manifest with each file's {what}; with "
            f"{' and '.join(f'--{each}_column' for each in STAT_COLUMNS)} no file is asked for it, "
            "and a change is seen when the manifest tells of it",
        )
    group.add_argument(
        "--input_version",
        type=whole_number,
        metavar="N",
        help="of a Delta table; the newest if not given",
    )
    group.add_argument(
        "--allow_private_hosts",
        action="store_true",
        default=None,
        help="fetch URLs of this machine and of private networks too",
    )
    group.add_argument(
        "--id_prefix", type=_prefix, metavar="TEXT", help="begin every image's id with it"
    )
    group.add_argument(
        "--any_suffix",
        action="store_true",
        default=None,
        help="look into files without an image's suffix, and take those that begin as an image",
    )
    group.add_argument(
        "--split_by",
        choices=SPLIT_BY,
        help="what decides the split of images of which the input says none: a hash of their id, "
        "or of their group (if not given: of the group where there is one); stratified: either, "
        "with some of every class in each split",
    )
    group.add_argument(
        "--labels_from",
        type=_labels_from,
        metavar="folder|parent|filename:REGEX|none",
        help="where in its path an image's label stands: the first folder, below that of a split; "
        "the folder it lies in; what matches in its name; or nowhere",
    )
    group.add_argument(
        "--label_separator",
        type=_separator,
        metavar="TEXT",
        help="what divides the labels of an image that may have several, '|' as in cat|indoors; "
        "lists in a column need none",
    )


def layout_given(options: argparse.Namespace) -> dict[str, object]:
    """The values of `add_layout_options`' options, to be refused where they have no meaning."""
    return {name: getattr(options, name) for name in ("input_root", *LAYOUT_OPTIONS)}


def layout_of(options: argparse.Namespace) -> Layout:
    """What the options of `add_layout_options` say.

    Raises:
        UsageError: two of them contradict each other.
    """
    named = {name: getattr(options, f"{name}_column") for name in COLUMNS}
    columns = {name: called for name, called in named.items() if called is not None}
    stated = {name: getattr(options, f"{name}_column") for name in STAT_COLUMNS}
    stat_columns = {name: called for name, called in stated.items() if called is not None}
    if stat_columns and len(stat_columns) < len(STAT_COLUMNS):
        raise UsageError(
            "--size_column and --modified_column only tell a changed file together; name both"
        )
    if options.labels_from is not None and options.label_column is not None:
        raise UsageError("--labels_from and --label_column both say where labels stand; name one")
    return Layout(
        columns=columns,
        stat_columns=stat_columns,
        id_prefix=options.id_prefix or "",
        any_suffix=bool(options.any_suffix),
        labels_from=options.labels_from,
        label_separator=options.label_separator,
        split_by=options.split_by,
        version=options.input_version,
        private_hosts=bool(options.allow_private_hosts),
    )


def _prefix(text: str) -> str:
    if "\0" in text or storable(text) != text:
        raise argparse.ArgumentTypeError(f"{text!r} cannot begin an id: it is no text")
    return text


def _separator(text: str) -> str:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} divides nothing; '|' is one that does")
    return text


def _labels_from(text: str) -> LabelsFrom:
    try:
        return LabelsFrom.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
