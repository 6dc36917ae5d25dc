"""What Beam's counters tell of a run, whichever workers counted."""

from dataclasses import dataclass, fields
from typing import Any

from pipelines.engines.bottleneck import Waits
from pipelines.shards.shard import counters_of

NO_WAITS = Waits()


@dataclass(frozen=True, slots=True)
class Counted:
    """Sums over a run's workers; all 0 from a runner that keeps no counters.

    Attributes:
        waits: where their time went.
        images: rows of features written, those of second attempts included.
        batches: calls of the engine that gave them.
        cpu_seconds: processor time of the workers, over all threads.
        card_seconds: wall-clock time of the workers that had a graphics card for the base.
    """

    waits: Waits = NO_WAITS
    images: int = 0
    batches: int = 0
    cpu_seconds: float = 0.0
    card_seconds: float = 0.0

    def __add__(self, other: "Counted") -> "Counted":
        """Sums over the parts of a run."""
        return Counted(
            self.waits + other.waits,
            self.images + other.images,
            self.batches + other.batches,
            self.cpu_seconds + other.cpu_seconds,
            self.card_seconds + other.card_seconds,
        )

    @property
    def images_per_second(self) -> float | None:
        """Of one worker, while it worked; None when nothing was counted."""
        return self.images / self.waits.seconds if self.images and self.waits.seconds else None

    @property
    def base_images_per_second(self) -> float | None:
        """Of the base of one worker, while it ran; None when nothing was counted."""
        return self.images / self.waits.base if self.images and self.waits.base else None

    @property
    def mean_batch(self) -> float | None:
        """Images the engine got at once, on average; None when it was not called."""
        return self.images / self.batches if self.batches else None


def read_counters(result: Any, table: int = 0) -> Counted:  # noqa: ANN401 - Beam's have no types
    """Read a finished pipeline's counters of one of its tables, by its place."""
    from apache_beam.metrics.metric import MetricsFilter

    try:
        counters = result.metrics().query(MetricsFilter().with_namespace(counters_of(table)))[
            "counters"
        ]
    except Exception:  # a runner without metrics says so in its own way; the work is done
        return Counted()
    counted = {each.key.metric.name: each.result or 0 for each in counters}
    waits = Waits(**{f.name: counted.get(f"{f.name}_ms", 0) / 1000 for f in fields(Waits)})
    return Counted(
        waits,
        counted.get("images", 0),
        counted.get("batches", 0),
        counted.get("cpu_ms", 0) / 1000,
        counted.get("card_ms", 0) / 1000,
    )
