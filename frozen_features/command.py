"""`frozen-features COMMAND ...`: all commands by name; only the one that is run is imported."""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from pipelines import __version__
from pipelines.cli import Parser, run_command
from pipelines.errors import UsageError

PROG = "frozen-features"

COMMANDS = {
    "extract": ("pipelines", "bring a feature table up to a folder or manifest of images"),
    "plan": ("pipelines", "what an extraction will take, measured on some of its images"),
    "describe": ("pipelines", "what a feature table holds, or which bases there are"),
    "verify": ("pipelines", "is a feature table what it claims to be?"),
    "tidy": ("pipelines", "merge small files, remove orphans and versions past their time"),
    "forget": ("pipelines", "delete images from a table for good, old versions included"),
    "train": ("classifiers", "fit a head on stored features, or a network on images"),
    "evaluate": ("classifiers", "measure a trained model on a split of a table, or of images"),
    "predict": ("classifiers", "classes of images, from stored features or from the images"),
    "doctor": ("pipelines", "what is installed here and what would be used"),
}
"""By name, the package that a command's module is in, and what it does."""


class Command(Protocol):
    """What the module of a command has."""

    def main(self, argv: Sequence[str], prog: str = ...) -> int:
        """Run it; returns its exit status."""

    def make_parser(self, prog: str = ...) -> Parser:
        """Its options."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; returns its exit status."""
    if "_ARGCOMPLETE" in os.environ:
        from frozen_features.completion import complete

        complete()
    return run_command(_dispatch, sys.argv[1:] if argv is None else argv)


def import_command(name: str) -> Command:
    """The module of a command."""
    return cast(Command, importlib.import_module(f"{COMMANDS[name][0]}.{name}"))


def _dispatch(argv: Sequence[str]) -> int:
    match argv:
        case [] | ["-h" | "--help", *_]:
            print(_help(), file=sys.stdout if argv else sys.stderr)
            return 0 if argv else 2
        case ["--version", *_]:
            print(f"{PROG} {__version__}")
            return 0
        case [name, *rest] if name in COMMANDS:
            return import_command(name).main(rest, f"{PROG} {name}")
    what = "option" if argv[0].startswith("-") else "command"
    close = difflib.get_close_matches(argv[0], [*COMMANDS, "--help", "--version"], 1)
    guess = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(f"no {what} {argv[0]!r}{guess} ({PROG} --help lists the commands)")


def _help() -> str:
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            f"usage: {PROG} COMMAND ...",
            "",
            "Features of images from a frozen base, stored in a table, and heads trained on them.",
            "",
            "commands:",
            *(f"  {name.ljust(width)}  {what}" for name, (_, what) in COMMANDS.items()),
            "",
            f"{PROG} COMMAND --help lists a command's options, {PROG} --version says the version.",
        ]
    )
