"""`python -m pipelines.verify`: is a feature table what it claims to be?"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from pipelines.bases import parse_weights
from pipelines.cli import (
    Parser,
    add_json_option,
    log,
    run_command,
    whole_number,
    write_json,
)
from pipelines.contract import Augmentation
from pipelines.engines.choosing import open_without_race
from pipelines.engines.extraction import extract_images
from pipelines.errors import TableError, WeightsError
from pipelines.images.decode import pixel_spec
from pipelines.images.hashing import ContentHashes
from pipelines.images.listing import list_images
from pipelines.images.signs import unsigned_ref
from pipelines.planning.copies import copies_held, rows_wanted
from pipelines.planning.job import DEFAULT_BATCH_SIZE
from pipelines.records import ImageRef, copy_of, image_of
from pipelines.table.failures import known_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.stored import StoredImage, stored_images
from pipelines.table.verification import (
    Finding,
    check_features,
    check_files,
    check_rows,
    sample_rows,
)
from pipelines.table.verify_report import VerifyReport

PROG = "python -m pipelines.verify"

DEFAULT_SAMPLE = 64


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status, 1 if anything is wrong with the table."""
    return run_command(partial(_verify, make_parser(prog)), argv)


def _verify(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 1 if report.findings else 0


def work(options: argparse.Namespace) -> VerifyReport:
    """Do what the options of `make_parser` say."""
    table = FeatureTable.open(options.table, options.table_version)
    findings = list(check_files(table))
    log(f"{len(table.paths)} files checked against the log")
    try:
        checked = _check_against_images(table, options, findings)
    except (TableError, OSError) as error:
        if not findings:
            raise
        log(f"the rows were not checked further: {error}")
        checked = {"rows": 0, "features": 0}
    return VerifyReport(table.uri, table.version, len(table.paths), tuple(findings), **checked)


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--table", required=True, help="the feature table")
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    parser.add_argument("--input", help="folder or manifest to hold all rows against")
    parser.add_argument("--input_root", help="folder that a manifest's paths are relative to")
    parser.add_argument(
        "--sample",
        type=_sample,
        default=DEFAULT_SAMPLE,
        metavar="N|all",
        help="rows to extract again, drawn at random; 0 for none",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument(
        "--weights", default="imagenet", help="imagenet, random[:SEED], or a weights file"
    )
    add_json_option(parser)
    return parser


def _check_against_images(
    table: FeatureTable, options: argparse.Namespace, findings: list[Finding]
) -> dict[str, int]:
    keys = table.keys()
    stored = stored_images(keys)
    inputs: Mapping[str, ImageRef] = {}
    if options.input is not None:
        images = {ref.image_id: ref for ref in list_images(options.input, options.input_root)}
        failed = known_failures(table.uri)
        excused = {n for n, r in images.items() if (n, r.bytes, r.modified) in failed}
        policy = table.augmentation or Augmentation()
        inputs = rows_wanted(images, 0, policy, copies_held(keys))
        hashes = ContentHashes().of(ref for name, ref in inputs.items() if name in stored)
        findings.extend(check_rows(inputs, stored, frozenset(excused), hashes))
    count = len(stored) if options.sample is None else min(options.sample, len(stored))
    checked = {"rows": len(stored) if inputs else 0, "features": count}
    if not count:
        return checked
    names = sample_rows(stored, options.sample, options.seed)
    if inputs:
        refs = [inputs[name] for name in names if name in inputs]
    else:
        refs = [_stored_ref(name, stored[name]) for name in names]
    checked["features"] = len(refs)
    weights = parse_weights(options.weights)
    try:
        opened = open_without_race(table.contract, weights, DEFAULT_BATCH_SIZE)
    except WeightsError as error:
        findings.append(Finding("table", str(error)))
        return {**checked, "features": 0}
    pixels = pixel_spec(table.contract, table.augmentation)
    findings.extend(check_features(table, extract_images(refs, opened, pixels), stored))
    return checked


def _stored_ref(name: str, row: StoredImage) -> ImageRef:
    ref = unsigned_ref(image_of(name), row.uri, row.label, row.split)
    return replace(ref, copy=copy_of(name))


def _sample(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor all")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
