"""`python -m pipelines.extract`: bring a feature table up to a folder or manifest of images."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipelines.cli import (
    Parser,
    add_json_option,
    format_table,
    run_command,
    whole_number,
    write_json,
)
from pipelines.driver import ExtractReport, extract
from pipelines.engines.bottleneck import name_bottleneck
from pipelines.images.augmentation_options import add_augmentation_options, augmentation_choice
from pipelines.planning.job import ExtractJob
from pipelines.planning.options import add_feature_options, add_work_options, feature_choice
from pipelines.shards.beam_flags import check_beam_flags
from pipelines.shards.flink import check_flink
from pipelines.system.cores import usable_cores
from pipelines.system.signals import stop_on_signals

OCCASIONAL = ("replaced", "relabelled", "vanished", "pruned", "stray")
"""Counts that are shown when they are not 0."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_extract, argv)


def _extract(argv: Sequence[str]) -> int:
    parser = _parser()
    options, beam_flags = parser.parse_known_args(argv)
    check_beam_flags(beam_flags, _own_options(parser))
    check_flink(beam_flags)
    with stop_on_signals():
        report = extract(_job(options, beam_flags))
    print(format_table(_summary(report)))
    for line in report.leakage.describe():
        print(f"leakage: {line}")
    left = report.counts["vanished"] - report.counts["pruned"]
    if left > 0:
        print(f"{left} rows stay whose image is gone from the input; --prune removes them")
    if not report.counts["written"] and not report.extract_seconds:
        what = "none of these can be used" if report.attempted else "nothing to extract"
        print(f"{what}: the base was not loaded")
    if (sentence := _bottleneck(report)) is not None:
        print(sentence)
    if report.failures:
        shown = [(f.ref.image_id, f.stage, f.message) for f in report.failures[:10]]
        print("\n" + format_table(shown, ("failed image", "stage", "why")))
    write_json(options.json, _as_json(report))
    return 0


def _own_options(parser: Parser) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings]


def _parser() -> Parser:
    parser = Parser(
        prog="python -m pipelines.extract",
        description="Extract features of images with a frozen base into a feature table. "
        "Beam's own options (--runner, ...) are taken as well.",
    )
    parser.add_argument("--input", required=True, help="folder or manifest of images")
    parser.add_argument("--input_root", help="folder that a manifest's paths are relative to")
    parser.add_argument("--table", required=True, help="the feature table; made if not there")
    add_feature_options(parser)
    add_augmentation_options(parser)
    work = parser.add_argument_group("how the work is done")
    add_work_options(work)
    work.add_argument(
        "--max_failures",
        type=whole_number,
        metavar="N",
        help="10 or 1 %% of the images, the larger",
    )
    work.add_argument("--retry_failures", action="store_true", help="try known failures again")
    work.add_argument("--prune", action="store_true", help="remove rows whose image is gone")
    work.add_argument(
        "--max_pruned", type=whole_number, metavar="N", help="10 or 10 %% of the table, the larger"
    )
    work.add_argument(
        "--leakage",
        default="report",
        choices=("report", "error"),
        help="what to do about the same image in two splits or under two labels",
    )
    add_json_option(parser)
    return parser


def _job(options: argparse.Namespace, beam_flags: Sequence[str]) -> ExtractJob:
    return ExtractJob(
        input=options.input,
        input_root=options.input_root,
        table=options.table,
        features=feature_choice(options),
        engine=options.engine,
        batch_size=options.batch_size,
        threads=options.threads,
        shard_rows=options.shard_size,
        commit_every=options.commit_every,
        max_failures=options.max_failures,
        retry_failures=options.retry_failures,
        prune=options.prune,
        max_pruned=options.max_pruned,
        refuse_leakage=options.leakage == "error",
        beam_flags=tuple(beam_flags),
        copies=options.augment,
        augmentation=augmentation_choice(options),
    )


def _summary(report: ExtractReport) -> list[tuple[str, object]]:
    counts = report.counts
    rows: list[tuple[str, object]] = [
        ("table", report.table),
        ("version", "none yet" if report.version is None else str(report.version)),
        ("contract", f"{report.contract.base} {report.contract.contract_id[:12]}"),
        ("images", f"{counts['inputs'] - counts['copies']}"),
        *([("augmented copies", f"{counts['copies']}")] if counts["copies"] else []),
        ("written", f"{counts['written']}"),
        ("already there", f"{counts['present']}"),
        *((name, f"{counts[name]}") for name in OCCASIONAL if counts[name]),
        ("new failures", f"{counts['new_failures']}"),
        ("known failures", f"{counts['known_failures']}"),
        ("seconds", f"{report.seconds:.1f}"),
    ]
    if report.extract_seconds:
        rate = report.attempted / report.extract_seconds
        rows.append(("images a second", f"{rate:.1f} ({report.engine} engine)"))
    return rows


def _bottleneck(report: ExtractReport) -> str | None:
    return name_bottleneck(report.waits, report.threads, usable_cores())


def _as_json(report: ExtractReport) -> dict[str, Any]:
    failures = [
        {"image_id": f.ref.image_id, "stage": f.stage, "error": f.error, "message": f.message}
        for f in report.failures
    ]
    return {
        **{k: v for k, v in asdict(report).items() if k != "counts"},
        **report.counts,
        "contract_id": report.contract.contract_id,
        "bottleneck": _bottleneck(report),
        "failures": failures,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
