"""What a plan says: tables and patches for people, the same as values for JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from pipelines.engines.bottleneck import name_bottleneck
from pipelines.planning.sizing.forecast import Forecast, Worker, Workload
from pipelines.planning.sizing.measuring import Measured
from pipelines.planning.sizing.pod_sizes import PodSizes, as_yaml, fit_pods
from pipelines.planning.sizing.survey import Survey
from pipelines.reports import Grid, Part, Report


@dataclass(frozen=True, slots=True)
class PlanReport(Report):
    """Everything that was found out.

    Attributes:
        survey: what there is to do.
        measured: what a worker does here.
        worker: one of those planned.
        found: the forecast.
        price_per_hour: of a worker; None when not given.
    """

    survey: Survey
    measured: Measured
    worker: Worker
    found: Forecast
    price_per_hour: float | None

    @property
    def price(self) -> float | None:
        """Of all workers together."""
        if self.price_per_hour is None:
            return None
        return self.price_per_hour * self.found.worker_hours

    @property
    def bottleneck(self) -> str | None:
        """As `pipelines.extract` would say it of such a run."""
        worker = self.worker
        return name_bottleneck(worker.waits, worker.cores, max(worker.cores, worker.busy_cores))

    @property
    def pods(self) -> PodSizes:
        """The containers that it fits into."""
        return fit_pods(self.found, self.worker.cores, self.measured.engine_bytes)

    def parts(self) -> list[Part]:
        """What was measured, what is forecast, what bounds it, and the patches."""
        return [
            Grid(_measured(self.measured), ("measured here", "")),
            "",
            Grid(_forecast(self), ("forecast", "")),
            "",
            f"{self.bottleneck}\n{_cores(self.worker.busy_cores)} a worker's base busy",
            "",
            as_yaml(self.pods),
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything as values; seconds, bytes, and MiB in `kubernetes`."""
        survey, choice = self.survey, self.survey.choice
        return {
            "images": survey.work.images,
            "listed": survey.work.listed,
            "contract_id": survey.contract.contract_id,
            "choice": None if choice is None else asdict(choice),
            "choosing_seconds": survey.choosing_seconds,
            "measured": asdict(self.measured),
            "worker": asdict(self.worker),
            "forecast": {**asdict(self.found), "worker_hours": self.found.worker_hours},
            "price": self.price,
            "bottleneck": self.bottleneck,
            "kubernetes": asdict(self.pods),
        }


@dataclass(frozen=True, slots=True)
class NothingToDo(Report):
    """A plan for a table that has everything.

    Attributes:
        listed: images of the input.
    """

    listed: int

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        return [f"{self.listed} images: all are in the table; nothing to extract"]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {"images": 0, "listed": self.listed}


def _measured(found: Measured) -> list[tuple[str, str]]:
    return [
        ("reading and decoding", f"{found.decoded_per_second:.0f} images/s a core"),
        (
            "the base alone",
            f"{found.engine_images_per_second:.1f} images/s ({found.engine} engine)",
        ),
        ("encoding", f"{found.encoded_per_second:.0f} rows/s a core"),
        ("a worker", f"{found.images_per_second:.1f} images/s on {found.cores} cores"),
        ("start and commit", f"{found.startup_seconds:.1f} s"),
        ("a row", f"{found.row_bytes:,.0f} bytes of {4 * found.feature_length:,}"),
        ("memory", f"{_bytes(found.peak_bytes)} a worker"),
        ("an empty cache", f"{found.cold_seconds:.1f} s, {_bytes(found.cold_bytes)} to convert it"),
    ]


def _forecast(report: PlanReport) -> list[tuple[str, str]]:
    found, worker, work = report.found, report.worker, report.survey.work
    rate = f"{worker.images_per_second:.1f} images/s each"
    rows = [
        ("images", f"{_share(work)}, {_bytes(found.bytes_read)} to read"),
        ("workers", f"{found.workers} of {worker.cores} cores, {rate}"),
        ("images a second", f"{found.images_per_second:.1f}"),
        ("time", f"{_time(found.seconds)}, of that {_time(found.driver_seconds)} of the driver's"),
        ("stored", f"{_bytes(found.bytes_stored)} in {found.files} files"),
        ("commits", f"{found.commits}, {_bytes(found.bytes_log)} of log"),
        ("driver", f"{_bytes(found.driver_bytes)} more memory, jobs of {_bytes(found.bytes_job)}"),
        ("requests", f"{found.gets} GET, {found.puts} PUT, {found.lists} LIST"),
        ("worker-hours", f"{found.worker_hours:.3g}; {found.core_hours:.3g} core-hours"),
    ]
    return rows if report.price is None else [*rows, ("price", f"{report.price:,.2f}")]


def _share(work: Workload) -> str:
    copies = f", {work.images} rows with their copies" if work.images > work.sources else ""
    return f"{work.sources} of {work.listed}{copies}"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 3600:,.2f} hours"


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.0f} PB"


def _cores(count: int) -> str:
    return "1 core keeps" if count == 1 else f"{count} cores keep"
