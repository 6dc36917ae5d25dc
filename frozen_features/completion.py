"""Completing commands and options in a shell, by argcomplete, if that is installed."""

import os

from frozen_features.commands import COMMANDS, PROG, import_command
from pipelines.cli import Parser


def complete() -> None:
    """Answer the shell that asks what may come next, and end the process.

    Without argcomplete nothing is done.
    """
    try:
        import argcomplete
    except ModuleNotFoundError:
        return
    words = os.environ.get("COMP_LINE", "").split()
    argcomplete.autocomplete(make_whole_parser(words[1] if len(words) > 1 else None))


def make_whole_parser(named: str | None) -> Parser:
    """A parser of all commands, with the options of the one that is named.

    The others are not imported.
    """
    parser = Parser(prog=PROG)
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers()
    for name, (_, what) in COMMANDS.items():
        own = [import_command(name).make_parser(f"{PROG} {name}")] if name == named else []
        commands.add_parser(name, help=what, parents=own, add_help=not own)
    return parser
