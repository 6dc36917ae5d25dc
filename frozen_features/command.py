"""`frozen-features COMMAND ...`: all commands by name; only the one that is run is imported."""

import difflib
import os
import sys
from collections.abc import Sequence

from frozen_features.commands import COMMANDS, PROG, import_command
from pipelines import __version__
from pipelines.cli import run_command
from pipelines.errors import UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; returns its exit status."""
    if "_ARGCOMPLETE" in os.environ:
        from frozen_features.completion import complete

        complete()
    return run_command(_dispatch, sys.argv[1:] if argv is None else argv)


def _dispatch(argv: Sequence[str]) -> int:
    match argv:
        case [] | ["-h" | "--help", *_]:
            print(_help(), file=sys.stdout if argv else sys.stderr)
            return 0 if argv else 2
        case ["--version", *_]:
            print(f"{PROG} {__version__}")
            return 0
        case ["extract", *rest]:
            from frozen_features.watching import drift_since
            from pipelines import extract

            return extract.main(rest, f"{PROG} extract", drift_since)
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
