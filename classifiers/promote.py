"""`python -m classifiers.promote`: make a model the latest version at a place, if it is good."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.models.measuring_options import add_measuring_options, measured
from classifiers.models.versions.names import NAME_HELP, model_name, model_place
from classifiers.models.versions.places import versions_at
from classifiers.promoting.conditions import FORMS, parse_condition
from classifiers.promoting.promoting import PromoteJob, promote
from classifiers.promoting.report import PromoteReport
from pipelines.cli import Parser, add_json_option, run_command, write_json
from pipelines.errors import UsageError

PROG = "python -m classifiers.promote"

NOT_PROMOTED = 4
"""Exit status where a condition does not hold."""

EPILOG = f"""exit status: 0 promoted; {NOT_PROMOTED} a condition does not hold and all is as it was;
1 the work failed; 2 the arguments are wrong"""


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_promote, make_parser(prog)), argv)


def _promote(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0 if report.promoted else NOT_PROMOTED


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    description = (__doc__ or "").partition(": ")[2]
    parser = Parser(prog=prog, description=description, epilog=EPILOG)
    parser.add_argument("--model", type=model_name, required=True, metavar="NAME", help=NAME_HELP)
    parser.add_argument(
        "--to",
        type=model_place,
        required=True,
        metavar="PLACE",
        help="a folder, s3:// or gs://, where the model is to be the next version",
    )
    parser.add_argument(
        "--if",
        dest="conditions",
        type=parse_condition,
        action="append",
        metavar="CONDITION",
        help=f"{FORMS}; better is right more often than the one in place, by McNemar's test at 5 "
        "%%, and not_worse is not right less often by it. May be given several times: all must "
        "hold",
    )
    add_measuring_options(parser, required=False)
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> PromoteReport:
    """Do what the options of `make_parser` say."""
    conditions = tuple(options.conditions or ())
    named = options.table is not None or options.input is not None
    if conditions and not named:
        raise UsageError("--if is about images; name them with --table or --input")
    if named and not conditions:
        raise UsageError("--table and --input have a meaning with --if only")
    return promote(
        PromoteJob(
            model=options.model,
            to=versions_at(options.to, "--to"),
            conditions=conditions,
            measure=partial(measured, options),
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
