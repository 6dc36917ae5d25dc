"""What is kept and told of a training, epoch by epoch."""

from collections.abc import Mapping

from pipelines.cli import log


class Progress:
    """Keeps the history and tells of each epoch in one line.

    Attributes:
        rows: one an epoch, as `History` has them.
    """

    def __init__(self, epochs: int) -> None:
        """Begin a training of so many epochs."""
        self.rows: list[dict[str, float]] = []
        self._epochs = epochs

    def keep(
        self, epoch: int, measures: Mapping[str, float], untold: Mapping[str, float] | None = None
    ) -> None:
        """Add an epoch.

        Args:
            epoch: its number, from 0.
            measures: loss and accuracy, by name.
            untold: what the history has besides.
        """
        kept = {name: float(value) for name, value in measures.items()}
        self.rows.append({"epoch": epoch + 1, **kept, **(untold or {})})
        shown = "  ".join(f"{name} {value:.4f}" for name, value in measures.items())
        log(f"epoch {epoch + 1} of {self._epochs}  {shown}")
