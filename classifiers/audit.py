"""`python -m classifiers.audit`: duplicates, suspect labels, outliers, poor pictures."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.auditing.audit import AuditJob, audit
from classifiers.auditing.directions import NEAR
from classifiers.auditing.files import AUDIT_FILE
from classifiers.auditing.report import AuditReport
from classifiers.data.memory import default_budget, memory_budget
from pipelines.cli import (
    Parser,
    add_json_option,
    local_path,
    run_command,
    seed_number,
    whole_number,
    write_json,
)
from pipelines.errors import UsageError
from pipelines.images.manifest import Fence
from pipelines.images.roots import fence_around_root
from pipelines.outputs import require_outside

PROG = "python -m classifiers.audit"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_audit, make_parser(prog)), argv)


def _audit(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--table", required=True, help="the feature table")
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    parser.add_argument("--split", help="this split only; all if not given")
    parser.add_argument(
        "--model",
        type=local_path,
        action="append",
        metavar="DIR",
        help="a model to ask about the labels of splits that it was not trained on; may be given "
        "several times",
    )
    parser.add_argument(
        "--near",
        type=_nearness,
        metavar="X",
        help=f"nearness from which two images are near duplicates, above 0, below 1; if not given "
        f"{NEAR}, and more where features have few channels",
    )
    parser.add_argument(
        "--pictures",
        type=_pictures,
        default="all",
        metavar="N|all",
        help="images to open and look at, drawn at random; 0 for none",
    )
    parser.add_argument(
        "--allow_uri",
        type=_prefix,
        action="append",
        metavar="PREFIX",
        help="folder or s3://, gs:// prefix whose images may be opened, besides the one that this "
        "user extracted; may be given several times",
    )
    parser.add_argument("--seed", type=seed_number, default=0, help="of every random choice")
    parser.add_argument(
        "--memory",
        type=memory_budget,
        metavar="SIZE",
        help="most memory for vectors and what is made of them, such as 8G; half of what the "
        "process may use if not given",
    )
    parser.add_argument(
        "--output", type=local_path, metavar="DIR", help="folder for all that is found"
    )
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> AuditReport:
    """Do what the options of `make_parser` say."""
    if options.output is not None and options.output.exists() and not options.output.is_dir():
        raise UsageError(f"--output {options.output} is a file, and a folder is needed")
    if options.output is not None:
        require_outside(options.output / AUDIT_FILE, "--output")
    return audit(
        AuditJob(
            table=options.table,
            table_version=options.table_version,
            split=options.split,
            models=tuple(options.model or ()),
            threshold=options.near,
            pictures=options.pictures,
            allowed=tuple(options.allow_uri or ()),
            seed=options.seed,
            budget=options.memory or default_budget(),
            output=options.output,
        )
    )


def _nearness(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and below 1")
    return value


def _pictures(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor all")
    return int(text)


def _prefix(text: str) -> Fence:
    if not text:
        raise argparse.ArgumentTypeError("it is empty; is a variable not set?")
    return fence_around_root(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
