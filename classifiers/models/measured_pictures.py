"""Pictures of a measured model: ROC and PR curves, reliability, scores, and who is confused."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.models.curves import Drawn, Reliability, Scores
from classifiers.models.evaluation import Evaluation
from classifiers.models.picture_names import fonts, name_in_picture
from classifiers.models.pictures import draw_confusion
from classifiers.models.place import CONFUSION_FILE
from pipelines.cli import log
from pipelines.errors import UsageError
from pipelines.outputs import require_outside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROC_FILE = "roc_and_pr.png"
RELIABILITY_FILE = "reliability.png"
SCORES_FILE = "scores.png"

FILES = frozenset({CONFUSION_FILE, ROC_FILE, RELIABILITY_FILE, SCORES_FILE})


def check_pictures(folder: Path) -> None:
    """Refuse a place where pictures cannot be put, before anything is measured; makes the folder.

    Raises:
        UsageError: it is no folder, lies in a model or a table, or holds what is no such picture.
        OSError: it cannot be made.
    """
    require_outside(folder / CONFUSION_FILE, "--pictures")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--pictures {folder} is a file; name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    strangers = sorted({path.name for path in folder.iterdir()} - FILES)
    if strangers:
        raise UsageError(
            f"--pictures {folder} holds {strangers[0]}, which is no such picture; name a new folder"
        )


def draw_measured(folder: Path, evaluation: Evaluation, head: str, split: str) -> list[Path]:
    """Draw a measured model; a picture that cannot be drawn is only told of.

    Args:
        folder: where to; pictures of these names in it are replaced.
        evaluation: what was measured.
        head: what was measured, and
        split: what it was measured on, which stand above each.

    Returns:
        The pictures that were drawn.
    """
    title = f"{head}, {name_in_picture(split, 'split')}"
    ways: dict[str, Callable[[Path], None]] = {
        CONFUSION_FILE: partial(draw_confusion, evaluation, title)
    }
    of = evaluation.drawn
    if of is not None:
        ways[SCORES_FILE] = partial(_draw_scores, of.scores, title)
        if of.curves:
            ways[ROC_FILE] = partial(_draw_curves, of, len(evaluation.classes), title)
        if of.reliability is not None:
            ways[RELIABILITY_FILE] = partial(_draw_reliability, of.reliability, title)
    made = []
    for name in sorted(FILES):
        path = folder / name
        try:
            path.unlink(missing_ok=True)  # of a model before, which had another
            if name in ways:
                ways[name](path)
                made.append(path)
        except Exception as error:  # no picture is worth a measurement
            log(f"{path} could not be drawn: {type(error).__name__}: {error}")
    return made


def _draw_curves(of: Drawn, classes: int, title: str, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    roc, precision = figure.subplots(1, 2)
    for number, curve in enumerate(of.curves):
        name = f"{name_in_picture(curve.name, f'class {number}')}: {curve.area:.3f}"
        roc.plot(curve.false_positives, curve.recall, label=name)
        (line,) = precision.plot(curve.recall, curve.precision)
        precision.axhline(curve.base, color=line.get_color(), linestyle=":", linewidth=0.8)
    roc.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=0.8)
    few = f"; the {len(of.curves)} of {classes} classes with the least area"
    _name(roc, f"{title}: ROC{few if len(of.curves) < classes > 2 else ''}")
    _name(precision, "precision and recall; dotted by chance")
    roc.set(xlabel="of the others, share taken for it", ylabel="recall")
    precision.set(xlabel="recall", ylabel="precision", ylim=(-0.02, 1.02))
    for text in roc.legend(loc="lower right").get_texts():
        text.set(parse_math=False, family=fonts(), fontsize=8)
    figure.savefig(path, dpi=100)


def _draw_reliability(of: Reliability, title: str, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 7), layout="constrained")
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    bins, width = len(of.images), 1.0 / len(of.images)
    left = [k * width for k in range(bins)]
    shares.plot([0, 1], [0, 1], color="grey", linestyle=":")
    shares.plot(of.said, of.right, "o-")
    counts.bar(left, of.images, width=width, align="edge", edgecolor="white")
    _name(shares, f"{title}: reliability")
    shares.set(ylabel="share that is right", xlim=(0, 1), ylim=(-0.02, 1.02))
    counts.set(xlabel="probability of the class said", ylabel="images")
    figure.savefig(path, dpi=100)


def _draw_scores(of: Scores, title: str, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.stairs(of.right, of.edges, fill=True, alpha=0.5, label="right")
    axes.stairs(of.wrong, of.edges, fill=True, alpha=0.5, label="wrong")
    # The wrong ones are few, and those that matter.
    axes.set_yscale("symlog", linthresh=1.0)
    _name(axes, f"{title}: how sure it is")
    axes.set(xlabel="probability" if of.probability else "score", ylabel="images")
    axes.legend()
    figure.savefig(path, dpi=100)


def _name(axes: "Axes", title: str) -> None:
    axes.set_title(title, parse_math=False, fontsize=10)
    axes.title.set_fontfamily(fonts())
    axes.grid(alpha=0.3)
