"""The curves of all ways in one picture: validation accuracy over the epochs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.literature.ways import WAYS
from pipelines.drafts import whole_file


def draw_ways(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw the first seed of every way that was trained in epochs, as a PNG.

    Args:
        results: by name, what ways wrote.
        path: where to.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.add_subplot()
    for way in WAYS:
        history = results[way.name]["runs"][0]["history"] if way.name in results else []
        if len(history) > 1:
            epochs = [row["epoch"] for row in history]
            axes.plot(epochs, [row["val_accuracy"] for row in history], label=way.title)
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation accuracy")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower right")
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
