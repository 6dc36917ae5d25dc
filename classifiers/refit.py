"""`python -m classifiers.refit`: train a model again as its card says, on its table of now."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.data.memory import default_budget, memory_budget
from classifiers.from_features.refitting import RefitJob, refit
from classifiers.models.reports import TrainReport
from classifiers.models.several.reports import SeveralTrainReport
from classifiers.models.targets import target_at
from classifiers.models.versions.names import NAME_HELP, model_name, model_place
from pipelines.cli import Parser, add_json_option, run_command, write_json

PROG = "python -m classifiers.refit"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_refit, make_parser(prog)), argv)


def _refit(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--model", type=model_name, required=True, metavar="NAME", help=NAME_HELP)
    parser.add_argument(
        "--to",
        type=model_place,
        metavar="PLACE",
        help="where the new model goes; the place of --model if not given, where it replaces the "
        "one that is there, or is the next version",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="with --to: replace a model that is there"
    )
    parser.add_argument("--table", help="the feature table, if it is no longer where the card says")
    parser.add_argument(
        "--memory",
        type=memory_budget,
        metavar="SIZE",
        help="most memory for features, such as 8G or 500M; half of what the process may use if "
        "not given",
    )
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> TrainReport | SeveralTrainReport:
    """Do what the options of `make_parser` say."""
    if options.to is None:
        target = target_at(options.model.location, overwrite=True)
    else:
        target = target_at(options.to, overwrite=options.overwrite)
    budget = options.memory or default_budget()
    return refit(RefitJob(options.model, target, options.table, budget))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
