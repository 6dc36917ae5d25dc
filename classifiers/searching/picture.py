"""The picture of a search: accuracy against C, k or the learning rate, a line for what is alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classifiers.searching.findings import Finding, best_of
from classifiers.searching.settings import Setting
from pipelines.cli import log

PICTURE_FILE = "search.png"

ALONG = ("C", "k", "learning_rate")
"""The options that are drawn along the axis, each in a panel of its own."""


def draw_search(findings: Sequence[Finding], path: Path) -> None:
    """Draw a PNG; one that cannot be drawn is only told of.

    Args:
        findings: of all settings, ascending by the option along the axis within a line.
        path: the file.
    """
    try:
        _draw(findings, path)
    except Exception as error:  # no picture is worth a search
        log(f"the search has no picture: {type(error).__name__}: {error}")


def _draw(findings: Sequence[Finding], path: Path) -> None:
    from matplotlib.figure import Figure

    found = {name: [each for each in findings if name in each.setting.values] for name in ALONG}
    panels = {name: those for name, those in found.items() if those}
    figure = Figure(figsize=(8 * len(panels), 5), layout="constrained")
    best = best_of(findings)
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (name, those) in zip(all_axes, panels.items(), strict=True):
        _draw_panel(axes, name, those)
        axes.axhline(
            best.mean - best.error, color="grey", linestyle="--", label="best less one error"
        )
        if name in best.setting.values:
            axes.plot(best.setting.values[name], best.mean, "k*", markersize=12, label="best")
        axes.legend()
    all_axes[0].set_ylabel("accuracy, with its standard error")
    figure.savefig(path, dpi=100)


def _draw_panel(axes: Any, name: str, findings: Sequence[Finding]) -> None:  # noqa: ANN401
    lines: dict[str, list[Finding]] = {}
    for each in findings:
        lines.setdefault(_line(each.setting, name), []).append(each)
    for label, line in lines.items():
        line.sort(key=lambda each: each.setting.values[name])
        axes.errorbar(
            [each.setting.values[name] for each in line],
            [each.mean for each in line],
            yerr=[each.error for each in line],
            capsize=2,
            marker=".",
            label=label,
        )
    axes.set_xscale("log")
    axes.set_xlabel(name.replace("_", " "))
    axes.grid(alpha=0.3)


def _line(setting: Setting, along: str) -> str:
    """What a line is called: all but what is along the axis, shortly."""
    said = {name: value for name, value in setting.options.items() if name != along}
    words = [said.pop(name) for name in ("head", "scaler") if name in said]
    return ", ".join([*words, *(f"{name} {value}" for name, value in said.items())])
