"""`python -m classifiers.train`: fit a head on stored features, or a network on images."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.data.held_out import NO_SPLIT
from classifiers.data.memory import default_budget, memory_budget
from classifiers.data.pooled import AS_STORED, POOLINGS
from classifiers.from_features.job import TrainJob
from classifiers.from_features.options import add_head_options, make_head
from classifiers.from_features.training import train_either
from classifiers.from_images.options import (
    WAYS,
    add_image_options,
    image_job,
    refuse_image_options,
)
from classifiers.from_images.training import train_on_images
from classifiers.heads.catalogue import HEADS
from classifiers.heads.kind import real_from_zero
from classifiers.models.decision_options import add_decision_options, wanted_of
from classifiers.models.reports import TrainReport
from classifiers.models.several.reports import SeveralTrainReport
from classifiers.models.targets import target_at
from classifiers.models.training_state import CHECKPOINT_SECONDS, SUFFIX
from classifiers.models.versions.names import PLACE_HELP, model_place
from pipelines.cli import (
    Parser,
    add_json_option,
    run_command,
    seed_number,
    whole_number,
    write_json,
)
from pipelines.errors import UsageError
from pipelines.images.splits import TRAIN, VALIDATION

PROG = "python -m classifiers.train"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_train, make_parser(prog)), argv)


def _train(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def work(options: argparse.Namespace) -> TrainReport | SeveralTrainReport:
    """Do what the options of `make_parser` say."""
    if options.from_images is not None:
        return train_on_images(image_job(options))
    refuse_image_options(options)
    return train_either(_table_job(options))


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", help="the feature table")
    what.add_argument(
        "--from_images", metavar="DIR|MANIFEST", help="images, for the ways that store no features"
    )
    parser.add_argument(
        "--also_table",
        action="append",
        metavar="TABLE",
        help="another table of the same images, whose features stand beside those of --table; may "
        "be given several times",
    )
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    parser.add_argument(
        "--model", type=model_place, required=True, metavar="PLACE", help=PLACE_HELP
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a model that is there; versions are never replaced, one is added",
    )
    parser.add_argument("--train_split", default=TRAIN, help="split to train on")
    parser.add_argument(
        "--validation_split",
        help=f"split to validate on, or {NO_SPLIT}; {VALIDATION}, val, valid or the like, if there "
        "is one",
    )
    parser.add_argument(
        "--copies",
        type=whole_number,
        metavar="K",
        help="augmented copies of an image to train on at most; all of them if not given",
    )
    parser.add_argument(
        "--pooling",
        choices=POOLINGS,
        help="train a head on the mean (avg) or maximum (max) of each channel of the stored maps; "
        "none if not given",
    )
    parser.add_argument(
        "--class_weight", default="none", help="none, balanced, or CLASS=WEIGHT,..."
    )
    parser.add_argument("--seed", type=seed_number, default=0, help="of every random choice")
    parser.add_argument(
        "--memory",
        type=memory_budget,
        metavar="SIZE",
        help="most memory for features or images, such as 8G or 500M; features that need more are "
        "streamed from the table; half of what the process may use if not given",
    )
    parser.add_argument(
        "--checkpoint_every",
        type=_seconds,
        default=CHECKPOINT_SECONDS,
        metavar="SECONDS",
        help=f"networks: after an epoch, if so many seconds passed since the last, keep in MODEL"
        f"{SUFFIX} what a stopped training needs to go on when the same command is run again; none "
        "to neither keep nor use it",
    )
    heads = dict.fromkeys([*(kind.head for kind in HEADS.values()), *WAYS])
    parser.add_argument("--head", required=True, choices=list(heads))
    add_head_options(parser)
    add_image_options(parser)
    add_decision_options(parser)
    add_json_option(parser)
    return parser


def _seconds(text: str) -> float | None:
    return None if text == "none" else real_from_zero(text)


def _table_job(options: argparse.Namespace) -> TrainJob:
    return TrainJob(
        table=options.table,
        table_version=options.table_version,
        head=make_head(options),
        model=target_at(options.model, overwrite=options.overwrite),
        train_split=options.train_split,
        validation_split=options.validation_split,
        class_weight=options.class_weight,
        seed=options.seed,
        budget=options.memory or default_budget(),
        copies=options.copies,
        wanted=wanted_of(options),
        checkpoint_every=options.checkpoint_every,
        pooling=_pooling(options),
        also=tuple(options.also_table or ()),
    )


def _pooling(options: argparse.Namespace) -> str:
    if options.pooling in (None, AS_STORED):
        return AS_STORED
    if options.head == "finetune":
        raise UsageError(
            f"--pooling {options.pooling} leaves no maps to train the end of a base on"
        )
    return str(options.pooling)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
