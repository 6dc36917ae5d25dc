"""What `extract --watch_drift` does after the run, for which `pipelines` may not import a thing."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifiers.drifting.report import DriftReport
    from pipelines.commits.report import ExtractReport


def drift_since(report: "ExtractReport") -> "DriftReport | None":
    """Hold the version that a run has made against the one before it, and keep what is found.

    A table that cannot be compared, as there are too few images for one, is told of, and costs the
    run nothing.

    Args:
        report: the run's.

    Returns:
        What `drift` says, as without options; None where there is nothing to compare.

    Raises:
        OSError: what is found cannot be kept.
    """
    from classifiers import drift
    from pipelines.cli import log
    from pipelines.errors import TableError
    from pipelines.table.drift_notes import keep_drift

    if not report.before or report.version in (None, report.before):
        log("no drift to watch for: the run has changed nothing that was there before")
        return None
    versions = [f"--table_version={report.version}", f"--against_version={report.before}"]
    options = drift.make_parser().parse_args([f"--table={report.table}", *versions])
    try:
        found = drift.work(options)
    except TableError as error:
        log(f"drift was not watched for: {error}")
        return None
    keep_drift(report.table, found.note(report.version, report.before))
    return found
