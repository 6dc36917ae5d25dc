"""The options that say how an input is to be understood, of all commands that read images."""

import argparse

from pipelines.cli import whole_number
from pipelines.images.layout import COLUMNS, Layout

LAYOUT_OPTIONS = (
    *(f"{name}_column" for name in COLUMNS),
    "id_prefix",
    "input_version",
    "allow_private_hosts",
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
    group.add_argument("--id_prefix", metavar="TEXT", help="begin every image's id with it")
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


def layout_given(options: argparse.Namespace) -> dict[str, object]:
    """The values of `add_layout_options`' options, to be refused where they have no meaning."""
    return {name: getattr(options, name) for name in ("input_root", *LAYOUT_OPTIONS)}


def layout_of(options: argparse.Namespace) -> Layout:
    """What the options of `add_layout_options` say."""
    named = {name: getattr(options, f"{name}_column") for name in COLUMNS}
    columns = {name: called for name, called in named.items() if called is not None}
    return Layout(
        columns=columns,
        id_prefix=options.id_prefix or "",
        version=options.input_version,
        private_hosts=bool(options.allow_private_hosts),
    )
