"""What every command shares: one-line errors, exit status, JSON on request."""

import argparse
import errno
import json
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pipelines.drafts import write_whole
from pipelines.errors import FrozenFeaturesError, UsageError
from pipelines.lost_places import refuse_lost_places
from pipelines.outputs import refuse_inputs_as_outputs
from pipelines.own_process import begin_own_process
from pipelines.redaction import redacted
from pipelines.visible import in_one_line

EXTRA_OF = {
    **dict.fromkeys(("apache_beam", "tensorflow", "keras", "onnx", "tqdm"), "extract"),
    **dict.fromkeys(("onnxruntime", "tf2onnx"), "export"),
    "openvino": "openvino",
    **dict.fromkeys(("mlflow", "sqlalchemy", "alembic"), "mlflow"),
    **dict.fromkeys(("usearch", "numkong"), "index"),
    "prometheus_client": "metrics",
    **dict.fromkeys(("matplotlib", "sklearn", "scipy", "skops", "threadpoolctl"), "train"),
}
"""Packages that a command may find missing, and the extra that installs each."""


class _DefaultsShown(argparse.HelpFormatter):
    """Ends an option's help with its default, where it has one."""

    def _get_help_string(self, action: argparse.Action) -> str:
        said = action.help or ""
        if action.default in (None, False, argparse.SUPPRESS):
            return said
        return f"{said} (default: %(default)s)".lstrip()


class Parser(argparse.ArgumentParser):
    """An argument parser with Beam's `--snake_case`, no abbreviations, and one-line errors."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - argparse's own settings
        super().__init__(
            allow_abbrev=False,
            formatter_class=_DefaultsShown,
            **settings,
        )

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """See argparse; an output that is an input is refused, and a place that does not last."""
        options, rest = super().parse_known_args(args, namespace)
        refuse_lost_places(vars(options))
        refuse_inputs_as_outputs(vars(options))
        return options, rest

    def error(self, message: str) -> NoReturn:
        """Turn argparse's complaint into the project's own kind of error."""
        raise UsageError(f"{message} (--help lists the options)")


def run_command(body: Callable[[Sequence[str]], int | None], argv: Sequence[str]) -> int:
    """Run a command's body; an error that a user can cause becomes one line on stderr.

    Returns:
        The exit status: 0 done, 1 the work failed, 2 the arguments are wrong, 130 interrupted.
    """
    begin_own_process()
    try:
        status = body(argv) or 0
        sys.stdout.flush()
        return status
    except FrozenFeaturesError as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not complain of it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        full = "; make room, and run the command again" if error.errno == errno.ENOSPC else ""
        print(f"error: {_one_line(error)}{full}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA_OF:
            raise  # a fault of ours
        extra = f"pip install 'frozen-features[{EXTRA_OF[package]}]'"
        print(f"error: {package} is not installed; {extra} installs it", file=sys.stderr)
        return 1
    except MemoryError as error:
        said = _one_line(error)
        print(f"error: there is not enough memory here: {said}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def local_path(text: str) -> Path:
    """An option's value that is a place on this machine's disks.

    `Path` makes `s3:/bucket` of a URL, and so does Python code that passes one on.
    """
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no path; is a variable not set?")
    if "://" in text or re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text):
        raise argparse.ArgumentTypeError(
            f"{redacted(text)!r} is a URL, and this option takes a local path"
        )
    try:
        Path(text).stat()
    except OSError as error:  # of what is not there yet, too
        if error.errno == errno.ELOOP:
            raise argparse.ArgumentTypeError(f"{text!r} leads to links in a circle") from error
    return Path(text)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Give a command `--json FILE`, refused at the door when FILE could not be written."""
    parser.add_argument(
        "--json", type=_writable_file, metavar="FILE", help="also write the result as JSON"
    )


def log(message: str) -> None:
    """Tell the user something that is not the command's result: one line on stderr."""
    print(in_one_line(redacted(message)), file=sys.stderr, flush=True)


def few(names: Sequence[str], most: int) -> str:
    """Names for a message: the first ones, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def write_json(path: str | Path | None, result: dict[str, Any]) -> None:
    """Write a command's result where `--json` asked for it; nothing when it did not."""
    if path is not None:
        text = json.dumps(result, indent=2, allow_nan=False)
        write_whole(Path(path), f"{text}\n".encode())


def whole_number(text: str) -> int:
    """An option's value that is 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def positive_number(text: str) -> int:
    """An option's value that is 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def proportion(text: str) -> float:
    """An option's value that is a number above 0 and below 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and below 1")
    return value


def positive_real(text: str) -> float:
    """An option's value that is a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number above 0")
    return value


def seed_number(text: str) -> int:
    """A seed that NumPy, Keras and scikit-learn all take."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number below 2^32")
    return int(text)


def _writable_file(text: str) -> str:
    path = local_path(text)
    folder = path.resolve().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written: no such folder, or no right")
    return text


def _one_line(error: BaseException) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # delta-rs colours its messages
    return in_one_line(redacted(" ".join(plain.split()))) or type(error).__name__
