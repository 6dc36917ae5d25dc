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
from classifiers.models.opening import found
from classifiers.models.versions.names import NAME_HELP, model_name
from pipelines.cli import (
    Parser,
    add_json_option,
    local_path,
    proportion,
    run_command,
    seed_number,
    whole_number,
    write_json,
)
from pipelines.errors import UsageError
from pipelines.images.roots import fence_named
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
        type=model_name,
        action="append",
        metavar="NAME",
        help="a model to ask about the labels of splits that it was not trained on; may be given "
        f"several times: {NAME_HELP}",
    )
    parser.add_argument(
        "--near",
        type=proportion,
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
        type=fence_named,
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
            models=tuple(found(each) for each in options.model or ()),
            threshold=options.near,
            pictures=options.pictures,
            allowed=tuple(options.allow_uri or ()),
            seed=options.seed,
            budget=options.memory or default_budget(),
            output=options.output,
        )
    )


def _pictures(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor all")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
