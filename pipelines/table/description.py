"""What a feature table holds: its contract, its rows, its commits, the images that failed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Self, TypedDict

from pipelines.contract import Augmentation, Contract
from pipelines.errors import TableError
from pipelines.records import Difference
from pipelines.reports import Grid, Part, Report
from pipelines.table.costs import Costs, costs_of
from pipelines.table.drift_notes import DriftNote, newest_drift
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import HISTORY, FeatureTable
from pipelines.table.int8_differences import difference_of
from pipelines.table.page_files import KeptPage, newest_page
from pipelines.table.storage import table_uri
from pipelines.untrusted import value_from_json

CHANGES = ("written", "replaced", "relabelled", "pruned")
"""Counts of a run that say what its commit changed."""

SHOWN = 10
"""Commits and failures printed; the JSON holds all failures, and as many commits as are read."""


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One version of a table.

    Attributes:
        uri: where the table is.
        version: its number.
        contract: of all features.
        feature_shape: of one image's features before flattening.
        files: how many data files it has.
        augmentation: how its copies are made; None while there never were any.
        counts: split, label, rows and images of each.
        label_counts: split, label and images of each label of the images that may have several.
        history: its newest commits, the newest first; see `FeatureTable.history`.
    """

    uri: str
    version: int
    contract: Contract
    feature_shape: tuple[int, ...]
    feature_length: int
    files: int
    augmentation: Augmentation | None
    counts: tuple[tuple[str, str | None, int, int], ...]
    history: tuple[dict[str, Any], ...]
    label_counts: tuple[tuple[str, str, int], ...] = ()

    @property
    def earlier_commits(self) -> int:
        """Commits before those in `history`."""
        return self.history[-1]["version"] if self.history else self.version

    @property
    def costs(self) -> Costs | None:
        """What the commits in `history` took; None where none says it."""
        return costs_of(self.history)

    @property
    def difference(self) -> Difference | None:
        """Of a quantised base from float32, if a commit in `history` says it."""
        return difference_of(self.history)

    @classmethod
    def of(cls, table: FeatureTable) -> Self:
        """Read what there is to say of a table."""
        return cls(
            uri=table.uri,
            version=table.version,
            contract=table.contract,
            feature_shape=table.feature_shape,
            feature_length=table.feature_length,
            files=len(table.paths),
            augmentation=table.augmentation,
            counts=tuple(table.counts()),
            history=tuple(table.history()),
            label_counts=tuple(table.label_counts()),
        )


@dataclass(frozen=True, slots=True)
class TableDescription(Report):
    """A table, and the images that failed on their way into it.

    Attributes:
        table: the version described; None where runs have failed and none has committed.
        failures: the last failure of each image, the newest run first.
        page: the newest page of the table that is kept with it; None where there is none.
        drift: what the newest run that watched for drift found; None where none did.
    """

    table: TableVersion | None
    failures: tuple[dict[str, Any], ...]
    page: KeptPage | None = None
    drift: DriftNote | None = None

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        parts: list[Part] = [] if self.table is None else _parts_of_table(self.table)
        if self.page is not None:
            parts += ["", f"page of version {self.page.version}: {self.page.location}"]
        if self.drift is not None:
            parts += ["", self.drift.in_words()]
        if self.failures:
            last = self.failures[:SHOWN]
            shown = [(f["image_id"], f["stage"], f["message"], f["run"]) for f in last]
            parts += ["", f"images that failed: {len(self.failures)}; the last {len(shown)}:"]
            parts.append(Grid(shown, ("image_id", "stage", "message", "run")))
        return parts

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        if (table := self.table) is None:
            return {"table": None, "failures": list(self.failures)}
        return {
            "table": table.uri,
            "version": table.version,
            "feature_shape": list(table.feature_shape),
            "feature_length": table.feature_length,
            "files": table.files,
            "contract_id": table.contract.contract_id,
            "contract": asdict(table.contract),
            "augmentation": None if table.augmentation is None else asdict(table.augmentation),
            "counts": [
                {"split": split, "label": label, "rows": rows, "images": images}
                for split, label, rows, images in table.counts
            ],
            "label_counts": [
                {"split": split, "label": label, "images": images}
                for split, label, images in table.label_counts
            ],
            "history": list(table.history),
            "earlier_commits": table.earlier_commits,
            "costs": _costs_as_json(table.costs),
            "int8_difference": None if table.difference is None else table.difference.as_json(),
            "failures": list(self.failures),
            "page": None if self.page is None else asdict(self.page),
            "drift": None if self.drift is None else asdict(self.drift),
        }


def describe_table(location: str, version: int | None = None) -> TableDescription:
    """Read what there is to say of a table.

    Args:
        location: the table's.
        version: an older version; the newest when None.

    Raises:
        TableError: there is no such table or version, and no failure of one either.
    """
    table = FeatureTable.open_if_exists(location, version)
    failures = _last_failures(location)
    if table is None and not failures:
        raise TableError(f"no feature table at {location}; pipelines.extract makes one")
    uri, described = table_uri(location), None if table is None else TableVersion.of(table)
    return TableDescription(described, failures, newest_page(uri), newest_drift(uri))


def _last_failures(location: str) -> tuple[dict[str, Any], ...]:
    rows = read_failures(table_uri(location)).drop_columns(["modified"]).to_pylist()
    last = {row["image_id"]: row for row in sorted(rows, key=itemgetter("run"))}
    return tuple(sorted(last.values(), key=itemgetter("run"), reverse=True))


def _parts_of_table(table: TableVersion) -> list[Part]:
    rows = [
        ("table", table.uri),
        ("version", str(table.version)),
        ("features", f"{table.feature_length} ({times(table.feature_shape)})"),
        ("files", str(table.files)),
        ("contract_id", table.contract.contract_id),
        *((name, str(value)) for name, value in table.contract.told().items()),
    ]
    if table.difference is not None:
        rows.append(("from float32", str(table.difference)))
    header: tuple[str, ...] = ("split", "label", "rows")
    if table.augmentation is not None:
        policy = asdict(table.augmentation).items()
        rows.append(("copies", ", ".join(f"{name} {value}" for name, value in policy)))
        header += ("images",)
    counts = [row[: len(header)] for row in table.counts]
    commits = [_commit_row(commit) for commit in table.history[:SHOWN]]
    commit_columns = ("version", "when (UTC)", "what", "run", "who")
    parts: list[Part] = [Grid(rows), "", Grid(counts, header), ""]
    if table.label_counts:
        parts += [Grid(table.label_counts, ("split", "one of the labels", "images")), ""]
    parts.append(Grid(commits, commit_columns))
    if commits and (earlier := table.history[:SHOWN][-1]["version"]):
        parts.append(f"and {earlier} earlier commits; --json tells of the newest {HISTORY}")
    ours = next((commit["run"] for commit in table.history if commit["run"]), None)
    if ours is not None and (run := _run_of(ours)).get("versions"):
        versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        engine, seconds = run.get("engine") or "no", run.get("extract_seconds")
        parts += ["", f"last run: {engine} engine, {seconds} s, {versions}"]
    if (costs := table.costs) is not None:
        commits_of = f"{costs.commits} commit" + ("s" if costs.commits > 1 else "")
        parts.append(f"{commits_of}: {costs.describe()}")
    return parts


def _costs_as_json(costs: Costs | None) -> dict[str, Any] | None:
    if costs is None:
        return None
    return {**asdict(costs), "money_per_million_images": costs.money_per_million}


def times(shape: Sequence[int]) -> str:
    """A shape for people: `4 x 4 x 512`."""
    return " x ".join(str(n) for n in shape)


def _commit_row(commit: dict[str, Any]) -> tuple[object, ...]:
    when = datetime.fromtimestamp(commit["timestamp"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    run = _run_of(commit["run"] or {})
    counts = run.get("counts", {})
    said = [f"{counts[name]} {name}" for name in CHANGES if counts.get(name)]
    what = ", ".join(said) or run.get("what") or commit["operation"].lower() or "-"
    return commit["version"], when, what, run.get("run") or "-", run.get("who") or "-"


class _Run(TypedDict, total=False):
    """What is shown of a run's record, which another program may have written."""

    run: str | None
    who: str | None
    what: str | None
    counts: dict[str, int]
    engine: str | None
    extract_seconds: float | None
    versions: dict[str, str]


def _run_of(record: dict[str, Any]) -> _Run:
    try:
        return value_from_json(json.dumps(record), _Run)
    except ValueError:
        return {}
