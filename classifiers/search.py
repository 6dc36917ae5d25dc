"""`python -m classifiers.search`: which settings of the heads on features do best."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.data.memory import default_budget, memory_budget
from classifiers.models.targets import target_at
from classifiers.models.versions.names import model_place
from classifiers.searching.options import add_space_options, space_of
from classifiers.searching.report import CSV_FILE, SearchReport
from classifiers.searching.search import REFITS, TRAIN_ONLY, SearchJob, search
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
from pipelines.images.splits import TRAIN, VALIDATION
from pipelines.outputs import require_outside

PROG = "python -m classifiers.search"

FOLDS = 5


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_search, make_parser(prog)), argv)


def _search(parser: Parser, argv: Sequence[str]) -> int:
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
    add_space_options(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--folds",
        type=_number_of_folds,
        metavar="K",
        help=f"score on K folds of the split to train on, {FOLDS} if not given",
    )
    how.add_argument(
        "--validation", action="store_true", help="score on the validation split instead"
    )
    parser.add_argument("--train_split", default=TRAIN, help="split to fit on")
    parser.add_argument(
        "--validation_split",
        help=f"split to validate on; {VALIDATION}, val, valid or the like, if there is one",
    )
    parser.add_argument(
        "--copies",
        type=whole_number,
        default=0,
        metavar="K",
        help="augmented copies of an image to fit on at most",
    )
    parser.add_argument(
        "--class_weight", default="none", help="none, balanced, or CLASS=WEIGHT,..."
    )
    parser.add_argument("--seed", type=seed_number, default=0, help="of every random choice")
    parser.add_argument(
        "--memory",
        type=memory_budget,
        metavar="SIZE",
        help="most memory for features and what is made of them, such as 8G; half of what the "
        "process may use if not given",
    )
    parser.add_argument(
        "--output",
        type=local_path,
        metavar="DIR",
        help="folder for all settings as CSV and as a picture; a search that was stopped goes on "
        "from it",
    )
    parser.add_argument(
        "--model",
        type=model_place,
        metavar="PLACE",
        help="a folder, s3:// or gs:// for a model of the best setting",
    )
    parser.add_argument("--refit", choices=REFITS, default=TRAIN_ONLY, help="what it is trained on")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a model that is there; versions are never replaced, one is added",
    )
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> SearchReport:
    """Do what the options of `make_parser` say."""
    target = None
    if options.model is not None:
        target = target_at(options.model, overwrite=options.overwrite)
    if options.output is not None and options.output.exists() and not options.output.is_dir():
        raise UsageError(f"--output {options.output} is a file, and a folder is needed")
    if options.output is not None:
        require_outside(options.output / CSV_FILE, "--output")
    return search(
        SearchJob(
            table=options.table,
            table_version=options.table_version,
            space=space_of(options),
            folds=None if options.validation else options.folds or FOLDS,
            train_split=options.train_split,
            validation_split=options.validation_split,
            copies=options.copies,
            class_weight=options.class_weight,
            seed=options.seed,
            budget=options.memory or default_budget(),
            output=options.output,
            model=target,
            refit=options.refit,
        )
    )


def _number_of_folds(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2 to 1000")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
