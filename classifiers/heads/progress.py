"""What is told of a training, epoch by epoch."""

from collections.abc import Mapping

from pipelines.cli import log


def history_row(
    epoch: int,
    epochs: int,
    measures: Mapping[str, float],
    untold: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Tell of an epoch in one line, and give its row of the history.

    Args:
        epoch: its number, from 0.
        epochs: how many there are at most.
        measures: loss and accuracy, by name.
        untold: what the history has besides.
    """
    shown = "  ".join(f"{name} {value:.4f}" for name, value in measures.items())
    log(f"epoch {epoch + 1} of {epochs}  {shown}")
    kept = {name: float(value) for name, value in measures.items()}
    return {"epoch": epoch + 1, **kept, **(untold or {})}
