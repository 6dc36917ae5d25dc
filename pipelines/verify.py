"""`python -m pipelines.verify`: is a feature table what it claims to be?"""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from pipelines.bases import WeightsRequest, parse_weights
from pipelines.bases.quantised import quantised_at
from pipelines.cli import (
    Parser,
    add_json_option,
    log,
    run_command,
    whole_number,
    write_json,
)
from pipelines.contract import Augmentation
from pipelines.engines.choosing import open_reference
from pipelines.engines.extraction import extract_images
from pipelines.errors import FrozenFeaturesError, UsageError
from pipelines.images.decode import pixel_spec
from pipelines.images.hashing import ContentHashes
from pipelines.images.layout_options import add_layout_options, layout_of
from pipelines.images.listing import list_images
from pipelines.images.roots import fence_named
from pipelines.metrics.outlet import add_metrics_options, outlet_of
from pipelines.planning.copies import copies_held, rows_wanted
from pipelines.planning.job import DEFAULT_BATCH_SIZE
from pipelines.records import ImageRef
from pipelines.stores.outages import is_outage
from pipelines.table.failures import known_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.file_checks import check_files
from pipelines.table.notes import Finding, Note, Unchecked, in_a_line
from pipelines.table.storage import table_uri
from pipelines.table.stored import splits_of, stored_images
from pipelines.table.verification import check_features, check_rows, check_single, sample_rows
from pipelines.table.verify_report import VerifyReport, gauges_of_verify
from pipelines.table.whereabouts import images_of_rows

PROG = "python -m pipelines.verify"

DEFAULT_SAMPLE = 64


EPILOG = """exit status: 0 all is as it should be; 1 something is wrong, or there is no such table;
2 the arguments are wrong; 3 nothing that was checked is wrong, but not everything could be: weights
that are not to be had or are not those of the table, an engine that does not start, a store that
gives no answer, an image that may not be read or lies where none may be opened"""


@dataclass
class Checked:
    """What was looked at, and what there is to say of it.

    Attributes:
        notes: findings, and what could not be checked.
        rows: that were held against the input.
        features: rows whose features were extracted again.
    """

    notes: list[Note] = field(default_factory=list)
    rows: int = 0
    features: int = 0

    def found(self) -> bool:
        """Whether anything is wrong so far."""
        return any(isinstance(note, Finding) for note in self.notes)

    @contextlib.contextmanager
    def unless_away(self, where: str) -> Iterator[None]:
        """Around a check: where something is out of reach, that is noted and the check ends."""
        try:
            yield
        except (FrozenFeaturesError, OSError) as error:
            # What is found already is told in any case, and explains the rest.
            if not is_outage(error) and not self.found():
                raise
            self.notes.append(Unchecked(where, in_a_line(error)))


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status, see `VerifyReport.status`."""
    return run_command(partial(_verify, make_parser(prog)), argv)


def _verify(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return report.status


def work(options: argparse.Namespace) -> VerifyReport:
    """Do what the options of `make_parser` say."""
    if options.input is not None and options.allow_uri:
        raise UsageError("--allow_uri has no meaning with --input, whose images are opened")
    weights = parse_weights(options.weights)
    outlet = outlet_of(options, "verify", table_uri(options.table))
    checked, table = Checked(), None
    with checked.unless_away("table"):
        table = FeatureTable.open(options.table, options.table_version)
    if table is not None:
        with checked.unless_away("table"):
            checked.notes.extend(check_files(table))
            log(f"{len(table.logged.files)} files checked against the log")
        with checked.unless_away("rows"):
            _check_against_images(table, options, weights, checked)
    report = VerifyReport(
        table=table_uri(options.table),
        version=None if table is None else table.version,
        files=0 if table is None else len(table.logged.files),
        findings=tuple(note for note in checked.notes if isinstance(note, Finding)),
        unchecked=tuple(note for note in checked.notes if isinstance(note, Unchecked)),
        rows=checked.rows,
        features=checked.features,
    )
    if outlet.wanted:
        outlet.publish(gauges_of_verify(report, time.time()))
    return report


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    description = (__doc__ or "").partition(": ")[2]
    parser = Parser(prog=prog, description=description, epilog=EPILOG)
    parser.add_argument("--table", required=True, help="the feature table")
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    parser.add_argument("--input", help="folder or manifest to hold all rows against")
    parser.add_argument(
        "--sample",
        type=_sample,
        default=DEFAULT_SAMPLE,
        metavar="N|all",
        help="rows to extract again with Keras, drawn at random; 0 for none",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="N|today",
        help="of the draw; today for another draw every day (UTC)",
    )
    parser.add_argument(
        "--weights", default="imagenet", help="imagenet, random[:SEED], or a weights file"
    )
    parser.add_argument(
        "--allow_uri",
        type=fence_named,
        action="append",
        metavar="PREFIX",
        help="without --input: folder or s3://, gs:// prefix whose images may be opened, besides "
        "the one that this user extracted; may be given several times",
    )
    add_layout_options(parser, "with --input")
    add_metrics_options(parser)
    add_json_option(parser)
    return parser


def _check_against_images(
    table: FeatureTable, options: argparse.Namespace, weights: WeightsRequest, checked: Checked
) -> None:
    keys = table.keys()
    stored = stored_images(keys)
    checked.notes.extend(check_single(keys))
    inputs: Mapping[str, ImageRef] = {}
    if options.input is not None:
        refs = list_images(options.input, options.input_root, layout_of(options), splits_of(keys))
        images = {ref.image_id: ref for ref in refs}
        failed = known_failures(table.uri)
        excused = {n for n, r in images.items() if (n, r.bytes, r.modified) in failed}
        policy = table.augmentation or Augmentation()
        inputs = rows_wanted(images, 0, policy, copies_held(keys))
        read = ContentHashes()
        hashes = read.of(ref for name, ref in inputs.items() if name in stored)
        notes = check_rows(inputs, stored, frozenset(excused), hashes, read.errors)
        checked.notes.extend(notes)
        checked.rows = len(stored)
    names = sample_rows(stored, options.sample, options.seed)
    if options.input is not None:
        refs = [inputs[name] for name in names if name in inputs]
    else:
        rows = {name: stored[name] for name in names}
        refs, not_opened = images_of_rows(table, rows, options.allow_uri or ())
        checked.notes.extend(not_opened)
    if not refs:
        return
    try:
        base_file = quantised_at(table.uri, table.contract)
        opened = open_reference(table.contract, weights, DEFAULT_BATCH_SIZE, base_file)
    except (FrozenFeaturesError, ImportError, OSError) as error:
        checked.notes.append(Unchecked("features", in_a_line(error)))
        return
    pixels = pixel_spec(table.contract, table.augmentation)
    with checked.unless_away("features"):
        for note in check_features(table, extract_images(refs, opened, pixels), stored):
            checked.notes.append(note)
        checked.features = len(refs)


def _sample(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor all")
    return int(text)


def _seed(text: str) -> int:
    if text == "today":
        number = int(f"{datetime.now(UTC):%Y%m%d}")
        log(f"the seed of today's draw is {number}")
        return number
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor today")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
