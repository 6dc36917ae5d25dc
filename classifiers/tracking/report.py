"""What writing a run has to say."""

from dataclasses import asdict, dataclass
from typing import Any

from pipelines.reports import Grid, Part, Report


@dataclass(frozen=True, slots=True)
class TrackReport(Report):
    """A model that was written as a run.

    Attributes:
        model: the model's name.
        store: MLflow's store.
        experiment: number of the experiment.
        run: number of the run.
        measures: how many measures, those of epochs among them.
    """

    model: str
    store: str
    experiment: str
    run: str
    measures: int

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        return [Grid([(name, str(value)) for name, value in self.as_json().items()])]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return asdict(self)
