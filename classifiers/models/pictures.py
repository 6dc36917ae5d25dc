"""Pictures of a training: loss and accuracy over the epochs, and who was taken for whom."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.heads.head import History
from classifiers.models.evaluation import Evaluation
from classifiers.models.picture_names import fonts, name_in_picture, names_in_pictures
from classifiers.models.place import CONFUSION_FILE, CURVES_FILE
from pipelines.cli import log

MANY_CLASSES = 20
"""Above this the confusion matrix is drawn without numbers."""

NAMED_CLASSES = 40
"""Above this only those that are confused most are drawn, the worst first: names of more would be
too small to read."""

INCHES = (4.0, 14.0)
"""Least and greatest height and width of a confusion matrix."""


def draw(folder: Path, history: History, evaluation: Evaluation, head: str, split: str) -> None:
    """Draw a training's pictures into a model's folder; one that cannot be drawn is only told of.

    Args:
        folder: the model's, or its draft.
        history: of the epochs; without any there are no curves.
        evaluation: whose confusion matrix is drawn.
        head: what was trained, and
        split: what it was measured on, which stand above it.
    """
    try:
        if history:
            draw_curves(history, folder / CURVES_FILE)
        title = f"{head}, {name_in_picture(split, 'split')}"
        draw_confusion(evaluation, title, folder / CONFUSION_FILE)
    except Exception as error:  # no picture is worth a training
        log(f"the model has no picture of it: {type(error).__name__}: {error}")


def draw_history(folder: Path, history: History) -> None:
    """Draw the curves alone into a model's folder; that they cannot be drawn is only told."""
    try:
        if history:
            draw_curves(history, folder / CURVES_FILE)
    except Exception as error:  # no picture is worth a training
        log(f"the model has no picture of its epochs: {type(error).__name__}: {error}")


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

    whole = np.array(evaluation.confusion)
    chosen = _most_confused(whole)
    counts = whole[np.ix_(chosen, chosen)]
    shares = counts / np.maximum(whole.sum(axis=1)[chosen, None], 1)
    least, greatest = INCHES
    size = min(least + 0.3 * len(counts), greatest)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    every = names_in_pictures(evaluation.classes)
    names = [every[number] for number in chosen]
    places = range(len(counts))
    # A name is as high as its row at most: about two thirds of the picture are the matrix.
    points = min(10.0, 72.0 * size * 0.6 / len(counts))
    axes.set_xticks(places, names, rotation=45 if points >= 6 else 90, ha="right")
    axes.set_yticks(places, names)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set(parse_math=False, family=fonts(), fontsize=points)
    if len(chosen) < len(whole):
        title = f"{title}, the {len(chosen)} most confused of {len(whole)} classes"
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{title}: accuracy {evaluation.accuracy:.3f}", parse_math=False)
    axes.title.set_fontfamily(fonts())
    if len(counts) <= MANY_CLASSES:
        for row, column in np.ndindex(*counts.shape):
            shade = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=shade)
    figure.savefig(path, dpi=100)


def _most_confused(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Classes to draw: all in order, or of many the most confused ones, the worst first."""
    if len(counts) <= NAMED_CLASSES:
        return np.arange(len(counts))
    missed = counts.sum(axis=1) + counts.sum(axis=0) - 2 * np.diag(counts)
    return np.argsort(-missed, kind="stable")[:NAMED_CLASSES]
