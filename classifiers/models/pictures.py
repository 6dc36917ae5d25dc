"""Pictures of a training: loss and accuracy over the epochs, and who was taken for whom."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from classifiers.heads.head import History
from classifiers.models.evaluation import Evaluation

MANY_CLASSES = 20
"""Above this the confusion matrix is drawn without numbers."""


def draw_curves(history: History, path: Path) -> None:
    """Accuracy and loss an epoch, training as dots and validation as a line, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for place, measure in enumerate(("accuracy", "loss")):
        axes = figure.add_subplot(1, 2, place + 1)
        axes.plot(epochs, [row[measure] for row in history], "o", label="training")
        if f"val_{measure}" in history[0]:
            axes.plot(epochs, [row[f"val_{measure}"] for row in history], label="validation")
        for epoch in _unfreezings(history):
            axes.axvline(epoch - 0.5, color="grey", linestyle="--", label="base unfrozen")
        axes.set_title(measure.capitalize())
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=100)


def _unfreezings(history: History) -> list[float]:
    """Epochs in which more of a network was trained than in the one before."""
    return [
        after["epoch"]
        for before, after in pairwise(history)
        if after.get("trainable", 0) > before.get("trainable", 0)
    ]


def draw_confusion(evaluation: Evaluation, title: str, path: Path) -> None:
    """The confusion matrix as a PNG; the shade is the share of the true class."""
    from matplotlib.figure import Figure

    counts = np.array(evaluation.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(4.0 + 0.3 * len(counts), 14.0)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    places = range(len(counts))
    axes.set_xticks(places, evaluation.classes, rotation=45, ha="right")
    axes.set_yticks(places, evaluation.classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{title}: accuracy {evaluation.accuracy:.3f}")
    if len(counts) <= MANY_CLASSES:
        for row, column in np.ndindex(*counts.shape):
            shade = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=shade)
    figure.savefig(path, dpi=100)
