"""The picture of a choice: accuracy against cost, with the frontier."""

from collections.abc import Sequence
from pathlib import Path

from classifiers.choosing.trials import Trial
from pipelines.cli import log

PICTURE_FILE = "choose.png"


def draw_trials(trials: Sequence[Trial], front: Sequence[Trial], path: Path) -> None:
    """Draw a PNG; one that cannot be drawn is only told of.

    Args:
        trials: all.
        front: those of the frontier, the fastest first.
        path: the file.
    """
    try:
        _draw(trials, front, path)
    except Exception as error:  # no picture is worth a choice
        log(f"the choice has no picture: {type(error).__name__}: {error}")


def _draw(trials: Sequence[Trial], front: Sequence[Trial], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.add_subplot()
    for pooling in dict.fromkeys(trial.choice.pooling for trial in trials):
        those = [trial for trial in trials if trial.choice.pooling == pooling]
        axes.errorbar(
            [_cost(trial) for trial in those],
            [trial.finding.mean for trial in those],
            yerr=[trial.finding.error for trial in those],
            capsize=2,
            marker="o",
            linestyle="none",
            label=f"pooling {pooling}",
        )
    axes.plot(
        [_cost(trial) for trial in front],
        [trial.finding.mean for trial in front],
        color="grey",
        linestyle="--",
        zorder=0,
        label="frontier",
    )
    for trial in trials:
        choice = trial.choice
        axes.annotate(
            f"{choice.base} {choice.layer}".replace("$", r"\$"),
            (_cost(trial), trial.finding.mean),
            textcoords="offset points",
            xytext=(5, 4),
            fontsize=7,
        )
    axes.set_xscale("log")
    axes.set_xlabel("seconds for a thousand images on this machine")
    axes.set_ylabel("accuracy, with its standard error")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=100)


def _cost(trial: Trial) -> float:
    return 1000.0 / trial.images_per_second
