"""`python -m pipelines.describe`: what a feature table holds, or which bases there are."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from math import prod
from operator import itemgetter
from typing import Any

from pipelines.bases import BASES, Base
from pipelines.cli import (
    Parser,
    add_json_option,
    format_table,
    run_command,
    whole_number,
    write_json,
)
from pipelines.errors import TableError, UsageError
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.storage import table_uri

CHANGES = ("written", "replaced", "relabelled", "pruned")
"""Counts of a run that say what its commit changed."""

BASE_COLUMNS = ("base", "size", "least", "features", "length", "parameters", "preprocessing")
"""Sizes are image sides in pixels, features and their length those at the default size."""

SHOWN = 10
"""Commits and failures printed; the JSON holds all."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_describe, argv)


def _describe(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="python -m pipelines.describe", description=(__doc__ or "").partition(": ")[2]
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", help="the feature table")
    what.add_argument("--bases", action="store_true", help="list the bases instead")
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    add_json_option(parser)
    options = parser.parse_args(argv)
    if options.bases:
        if options.table_version is not None:
            raise UsageError("--table_version wants a --table; bases have no versions")
        print(format_table([_base_row(base) for base in BASES.values()], BASE_COLUMNS))
        write_json(options.json, {"bases": [_base_as_json(base) for base in BASES.values()]})
        return 0

    failures = _failures(options.table)
    table = FeatureTable.open_if_exists(options.table, options.table_version)
    if table is None and not failures:
        raise TableError(f"no feature table at {options.table}; pipelines.extract makes one")
    if table is not None:
        _print_table(table)
    if failures:
        shown = [(f["image_id"], f["stage"], f["message"], f["run"]) for f in failures[:SHOWN]]
        print(f"\nimages that failed: {len(failures)}; the last {len(shown)}:")
        print(format_table(shown, ("image_id", "stage", "message", "run")))
    write_json(options.json, _as_json(table, failures))
    return 0


def _base_row(base: Base) -> tuple[str | int, ...]:
    shape = base.feature_shape
    sizes = (base.default_size, base.min_size)
    return (base.name, *sizes, _times(shape), prod(shape), base.parameters, base.preprocessing)


def _base_as_json(base: Base) -> dict[str, Any]:
    return {
        "base": base.name,
        "default_size": base.default_size,
        "min_size": base.min_size,
        "feature_shape": list(base.feature_shape),
        "feature_length": prod(base.feature_shape),
        "parameters": base.parameters,
        "preprocessing": base.preprocessing,
    }


def _failures(location: str) -> list[dict[str, Any]]:
    """The last failure of each image, the newest run first."""
    rows = read_failures(table_uri(location)).drop_columns(["modified"]).to_pylist()
    last = {row["image_id"]: row for row in sorted(rows, key=itemgetter("run"))}
    return sorted(last.values(), key=itemgetter("run"), reverse=True)


def _print_table(table: FeatureTable) -> None:
    rows = [
        ("table", table.uri),
        ("version", str(table.version)),
        ("features", f"{table.feature_length} ({_times(table.feature_shape)})"),
        ("files", str(len(table.paths))),
        ("contract_id", table.contract.contract_id),
        *((name, str(value)) for name, value in asdict(table.contract).items()),
    ]
    header: tuple[str, ...] = ("split", "label", "rows")
    if table.augmentation is not None:
        policy = asdict(table.augmentation).items()
        rows.append(("copies", ", ".join(f"{name} {value}" for name, value in policy)))
        header += ("images",)
    counts = [row[: len(header)] for row in table.counts()]
    print(format_table(rows))
    print("\n" + format_table(counts, header))
    history = table.history()
    commits = [_commit_row(commit) for commit in history[:SHOWN]]
    print("\n" + format_table(commits, ("version", "when (UTC)", "what", "run", "who")))
    ours = next((commit["run"] for commit in history if commit["run"]), None)
    if ours is not None and "versions" in ours:
        versions = ", ".join(f"{name} {version}" for name, version in ours["versions"].items())
        print(
            f"\nlast run: {ours['engine'] or 'no'} engine, {ours['extract_seconds']} s, {versions}"
        )


def _times(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in shape)


def _commit_row(commit: dict[str, Any]) -> tuple[object, ...]:
    when = datetime.fromtimestamp(commit["timestamp"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    run = commit["run"] or {}
    counts = run.get("counts", {})
    said = [f"{counts[name]} {name}" for name in CHANGES if counts.get(name)]
    what = ", ".join(said) or run.get("what") or commit["operation"].lower()
    return commit["version"], when, what, run.get("run", "-"), run.get("who", "-")


def _as_json(table: FeatureTable | None, failures: list[dict[str, Any]]) -> dict[str, Any]:
    if table is None:
        return {"table": None, "failures": failures}
    return {
        "table": table.uri,
        "version": table.version,
        "feature_shape": list(table.feature_shape),
        "feature_length": table.feature_length,
        "files": len(table.paths),
        "contract_id": table.contract.contract_id,
        "contract": asdict(table.contract),
        "augmentation": None if table.augmentation is None else asdict(table.augmentation),
        "counts": [
            {"split": split, "label": label, "rows": rows, "images": images}
            for split, label, rows, images in table.counts()
        ],
        "history": table.history(),
        "failures": failures,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
