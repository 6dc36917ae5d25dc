"""What a choice has to say, for people, as values and as files."""

import csv
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.choosing.picture import PICTURE_FILE, draw_trials
from classifiers.choosing.trials import Trial
from classifiers.models.measures import wilson_interval
from pipelines.drafts import write_whole
from pipelines.reports import Grid, Part, Report

CSV_FILE = "choose.csv"


@dataclass(frozen=True, slots=True)
class Spend:
    """What is to be forecast.

    Attributes:
        images: that are to be extracted; None where nobody said.
        price_per_hour: of the machine; None where nobody said.
    """

    images: int | None
    price_per_hour: float | None

    def hours(self, trial: Trial) -> float | None:
        """How long they take on a machine like this one."""
        return None if self.images is None else self.images / trial.images_per_second / 3600.0

    def price(self, trial: Trial) -> float | None:
        """What that costs."""
        hours = self.hours(trial)
        unknown = hours is None or self.price_per_hour is None
        return None if unknown else (hours or 0.0) * (self.price_per_hour or 0.0)


@dataclass(frozen=True, slots=True)
class ChooseReport(Report):
    """A choice that is done.

    Attributes:
        input: the images' place.
        images: how many were tried.
        folds: how many.
        trials: of all features.
        spend: what was to be forecast.
        seconds: how long it took.
        output: folder of the table and the picture; None without one.
    """

    input: str
    images: int
    folds: int
    trials: tuple[Trial, ...]
    spend: Spend
    seconds: float
    output: Path | None

    @property
    def best(self) -> Trial:
        """The most accurate; of several the fastest."""
        return max(self.trials, key=lambda t: (t.finding.mean, t.images_per_second, -t.length))

    @property
    def advised(self) -> Trial:
        """The fastest within a standard error of the best; of several that with fewer features."""
        least = self.best.finding.mean - self.best.finding.error
        near = [trial for trial in self.trials if trial.finding.mean >= least]
        # What differs by less than a twentieth differs by noise.
        fast = max(trial.images_per_second for trial in near) / 1.05
        return min((t for t in near if t.images_per_second >= fast), key=lambda t: t.length)

    def command(self, trial: Trial) -> str:
        """The command that extracts these features."""
        choice = trial.choice
        said = ["--base", choice.base, "--image_size", str(choice.image_size)]
        said += ["--layer", str(choice.layer), "--pooling", choice.pooling]
        if choice.compute_dtype != "float32":
            said += ["--compute_dtype", choice.compute_dtype]
        return shlex.join(
            ["frozen-features", "extract", "--input", self.input, "--table", "features", *said]
        )

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        best, advised = self.best, self.advised
        ranked = sorted(self.trials, key=lambda t: (-t.finding.mean, -t.images_per_second))
        front = {id(trial) for trial in frontier(self.trials)}
        header = ["", *NAMES, "features", "accuracy", "95 %", "images/s", "KB a row"]
        header += ["hours"] * (self.spend.images is not None)
        header += ["price"] * (self.spend.price(best) is not None)
        rows = []
        for trial in ranked:
            mark = ">" if trial is advised else "*" if id(trial) in front else ""
            low, high = interval(trial)
            row: list[object] = [mark, *named(trial), trial.length, f"{trial.finding.mean:.3f}"]
            row += [f"{low:.3f} to {high:.3f}", f"{trial.images_per_second:.1f}"]
            row.append(f"{trial.row_bytes / 1000:.1f}")
            row += [f"{x:.2f}" for x in _forecast(self.spend, trial) if x is not None]
            rows.append(row)
        said: list[Part] = [
            f"{len(self.trials)} kinds of features on {self.images:,} images, {self.folds} folds, "
            "a logistic regression on each",
            "",
            Grid(rows, header),
            "",
            "* nothing tried is both faster and more accurate; > the fastest within one standard "
            f"error ({best.finding.error:.3f}) of the best:",
            self.command(advised),
        ]
        if self.output is not None:
            said += ["", f"the table in {self.output / CSV_FILE}, drawn in {PICTURE_FILE}"]
        return said

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        front = {id(trial) for trial in frontier(self.trials)}
        return {
            "input": self.input,
            "images": self.images,
            "folds": self.folds,
            "seconds": self.seconds,
            "best": _values(self.best, self.spend),
            "advised": _values(self.advised, self.spend),
            "command": self.command(self.advised),
            "trials": [
                {**_values(trial, self.spend), "frontier": id(trial) in front}
                for trial in self.trials
            ],
        }


NAMES = ("base", "layer", "pooling", "size", "dtype")


def named(trial: Trial) -> tuple[object, ...]:
    """Base, layer, pooling, size and dtype."""
    choice = trial.choice
    return choice.base, choice.layer, choice.pooling, choice.image_size, choice.compute_dtype


def interval(trial: Trial) -> tuple[float, float]:
    """The 95 % interval of the accuracy on so many images."""
    return wilson_interval(round(trial.finding.mean * trial.images), trial.images)


def frontier(trials: Sequence[Trial]) -> list[Trial]:
    """Those to which no other is at once faster and more accurate, the fastest first."""
    found: list[Trial] = []
    for trial in sorted(trials, key=lambda t: (-t.images_per_second, -t.finding.mean)):
        if not found or trial.finding.mean > found[-1].finding.mean:
            found.append(trial)
    return found


def write_trials(trials: Sequence[Trial], spend: Spend, folder: Path) -> None:
    """Write all trials as `choose.csv` and `choose.png`.

    Raises:
        OSError: the table cannot be written.
    """
    text = io.StringIO(newline="")
    rows = [_values(trial, spend) for trial in trials]
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / CSV_FILE, text.getvalue().encode())
    draw_trials(trials, frontier(trials), folder / PICTURE_FILE)


def _forecast(spend: Spend, trial: Trial) -> tuple[float | None, float | None]:
    return spend.hours(trial), spend.price(trial)


def _values(trial: Trial, spend: Spend) -> dict[str, Any]:
    low, high = interval(trial)
    hours, price = _forecast(spend, trial)
    return {
        **dict(zip(NAMES, named(trial), strict=True)),
        "engine": trial.engine,
        "features": trial.length,
        "accuracy": trial.finding.mean,
        "error": trial.finding.error,
        "low": low,
        "high": high,
        "C": trial.finding.setting.values["C"],
        "images_per_second": trial.images_per_second,
        "base_per_second": trial.base_per_second,
        "decoded_per_second": trial.decoded_per_second,
        "row_bytes": trial.row_bytes,
        "hours": hours,
        "price": price,
    }
