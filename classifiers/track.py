"""`python -m classifiers.track`: write a model as a run of MLflow's."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.models.opening import files_of, pinned
from classifiers.models.versions.names import NAME_HELP, model_name
from classifiers.tracking.report import TrackReport
from classifiers.tracking.run import run_of
from classifiers.tracking.store import is_server, write_run
from pipelines.cli import Parser, add_json_option, local_path, run_command, write_json

PROG = "python -m classifiers.track"

EXPERIMENT = "frozen-features"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_track, make_parser(prog)), argv)


def _track(parser: Parser, argv: Sequence[str]) -> int:
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
        "--store",
        type=_store,
        required=True,
        metavar="DIR|URL",
        help="a folder for MLflow's database and artifacts, or the http(s):// URL of its server",
    )
    parser.add_argument("--experiment", default=EXPERIMENT, help="MLflow's name for runs together")
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> TrackReport:
    """Do what the options of `make_parser` say."""
    name = pinned(options.model)
    with files_of(name) as folder:
        run = run_of(str(name), folder)
        written = write_run(options.store, options.experiment, run, folder)
    return TrackReport(str(name), options.store, written.experiment, written.run, len(run.measures))


def _store(text: str) -> str:
    return text if is_server(text) else str(local_path(text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
