"""What an extraction tells a monitor, from its beginning to its end."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from pipelines.commits.settlement import Settled
from pipelines.commits.spending import Expected, Spent
from pipelines.engines.bottleneck import Waits
from pipelines.metrics.gauges import Gauge
from pipelines.metrics.outlet import Outlet
from pipelines.system.signals import cancel_when_stopped
from pipelines.table.feature_table import FeatureTable


class RunGauges:
    """Tells an outlet how one run goes; an outlet that nobody listens to costs nothing."""

    def __init__(self, outlet: Outlet, now: Callable[[], float] = time.time) -> None:
        """Tell nothing yet.

        Args:
            outlet: where to.
            now: seconds since the epoch.
        """
        self._outlet, self._now = outlet, now

    @contextmanager
    def of_a_run(self) -> Iterator[None]:
        """Around a run: tells that it is under way, and how it ended, a signal's end included."""
        if not self._outlet.wanted:
            yield
            return
        began = Gauge("run_started_timestamp_seconds", self._now(), "When the run began.")
        self._outlet.publish([began, *self._under_way(1), *_PART_UNKNOWN])
        with cancel_when_stopped(lambda: self._end(succeeded=False)):
            try:
                yield
            except BaseException:
                self._end(succeeded=False)
                raise
        self._end(succeeded=True)

    def part_begins(self, expected: Expected, failures: int, waiting: int) -> None:
        """Tell what is expected of a part; `waiting` are the rows of it and of those after it."""
        told = [
            Gauge(
                "part_expected_seconds",
                # A value, or an earlier part's would stay: 0 is said to be unknown.
                expected.seconds or 0.0,
                "What the part under way was expected to take; 0: unknown.",
            ),
            Gauge("run_failures", failures, "Images that failed in the run."),
            Gauge("run_waiting", waiting, "Images and copies that are still to be extracted."),
        ]
        if self._outlet.wanted:
            self._outlet.publish([*self._under_way(1), *told])

    def committed(
        self,
        settled: Settled,
        spent: Spent,
        expected_seconds: float | None,
        waits: Waits,
        table: str,
    ) -> None:
        """Tell what the run took so far, and what the table is now.

        Args:
            settled: the part just committed.
            spent: by all parts so far.
            expected_seconds: of extraction, by all parts so far; None where it was not known.
            waits: where the workers' time went.
            table: its URI.
        """
        if not self._outlet.wanted:
            return
        told = [
            Gauge("run_images", spent.images, "Images and copies that the run extracted or tried."),
            Gauge("run_failures", len(settled.failures), "Images that failed in the run."),
            Gauge("run_waiting", settled.counts["waiting"], "Images that are still to be done."),
            Gauge("run_seconds", spent.seconds, "Wall-clock time of the run to its last commit."),
            Gauge("run_extract_seconds", spent.extract_seconds, "Of that, while workers worked."),
            Gauge(
                "run_expected_seconds",
                expected_seconds or 0.0,
                "What that was expected to be; 0 where it was not known.",
            ),
            Gauge("run_cpu_seconds", spent.cpu_seconds, "Processor time of the workers."),
            Gauge("run_card_seconds", spent.card_seconds, "Time of workers that had a card."),
            Gauge(
                "run_money",
                math.nan if spent.money is None else spent.money,
                "What the run cost, in the currency of its price.",
            ),
        ]
        for doing, seconds in asdict(waits).items():
            told.append(
                Gauge("run_worker_seconds", seconds, "Where workers' time went.", {"doing": doing})
            )
        self._outlet.publish([*self._under_way(1), *told, *gauges_of_table(table)])

    def _end(self, *, succeeded: bool) -> None:
        now = self._now()
        told = [
            Gauge("run_succeeded", float(succeeded), "Whether the last run ended well."),
            Gauge("run_ended_timestamp_seconds", now, "When the last run ended."),
        ]
        if succeeded:
            name = "run_last_success_timestamp_seconds"
            told.append(Gauge(name, now, "When a run last ended well."))
        self._outlet.publish([*self._under_way(0), *told])

    def _under_way(self, running: int) -> list[Gauge]:
        return [
            Gauge("run_active", running, "1 while a run is under way."),
            Gauge("run_progress_timestamp_seconds", self._now(), "When the run last told of it."),
        ]


_PART_UNKNOWN = (
    Gauge("part_expected_seconds", 0, "What the part under way was expected to take; 0: unknown."),
)
"""Before the first part is known; without it no rule could tell that a run hangs there."""


def gauges_of_table(location: str) -> list[Gauge]:
    """What a table is now; nothing while there is none."""
    table = FeatureTable.open_if_exists(location)
    if table is None:
        return []
    files = table.logged.files
    changed = table.history(1)[0]["timestamp"] / 1000
    rows = sum(count for _, _, count, _ in table.counts())
    return [
        Gauge("table_version", table.version, "The table's newest version."),
        Gauge("table_rows", rows, "Rows of the table, copies among them."),
        Gauge("table_bytes", sum(file.size for file in files), "Bytes of the table's data files."),
        Gauge("table_files", len(files), "Data files of the table."),
        Gauge("table_commit_timestamp_seconds", changed, "When the table last changed."),
    ]
