"""The picture of a search: accuracy against C, a line for each head and scaler."""

from collections.abc import Sequence
from pathlib import Path

from classifiers.searching.findings import Finding, best_of
from pipelines.cli import log

PICTURE_FILE = "search.png"


def draw_search(findings: Sequence[Finding], path: Path) -> None:
    """Draw a PNG; one that cannot be drawn is only told of.

    Args:
        findings: of all settings, ascending by C within a head and scaler.
        path: the file.
    """
    try:
        _draw(findings, path)
    except Exception as error:  # no picture is worth a search
        log(f"the search has no picture: {type(error).__name__}: {error}")


def _draw(findings: Sequence[Finding], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    lines: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        lines.setdefault((each.setting.head, each.setting.scaler), []).append(each)
    for (head, scaler), line in lines.items():
        axes.errorbar(
            [each.setting.c for each in line],
            [each.mean for each in line],
            yerr=[each.error for each in line],
            capsize=2,
            marker=".",
            label=f"{head}, {scaler}",
        )
    best = best_of(findings)
    axes.axhline(best.mean - best.error, color="grey", linestyle="--", label="best less one error")
    axes.plot(best.setting.c, best.mean, "k*", markersize=12, label="best")
    axes.set_xscale("log")
    axes.set_xlabel("C")
    axes.set_ylabel("accuracy, with its standard error")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=100)
