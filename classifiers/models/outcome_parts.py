"""What a report says of a model's calibration, thresholds and sets."""

from typing import Any

from classifiers.models.outcomes import Outcome
from pipelines.reports import Grid, Part


def outcome_parts(decided: Outcome | None, many: int, shown: int) -> list[Part]:
    """What is said of calibration, thresholds and sets; nothing of a model without.

    Args:
        decided: what was measured.
        many: above so many classes not all thresholds are shown, but
        shown: so many, the worst.
    """
    if decided is None:
        return []
    rows: list[tuple[str, object]] = []
    if decided.before is not None:
        rows += [
            ("log loss before calibration", decided.before.log_loss),
            ("calibration error before calibration", decided.before.calibration_error),
        ]
    if decided.sets is not None:
        rows += [
            (f"class in a set for {decided.sets.wanted:g}", decided.sets.coverage),
            ("classes in a set", decided.sets.classes),
            ("empty sets", decided.sets.empty),
        ]
    at = decided.thresholds
    if at is None:
        return ["", Grid(rows)] if rows else []
    rows += [("decided by a threshold", at.decided), ("accuracy of these", at.accuracy)]
    lines = []
    for name, each in at.per_class.items():
        threshold = each.threshold if each.probability is None else each.probability
        lines.append((name, threshold, each.precision, each.recall, each.images))
    return ["", Grid(rows), "", *_at_thresholds(at.criterion, lines, many, shown)]


def _at_thresholds(
    criterion: str | None, lines: list[tuple[Any, ...]], many: int, shown: int
) -> list[Part]:
    header = (f"class at {criterion}", "threshold", "precision", "recall", "images")
    if len(lines) <= many:
        return [Grid(lines, header)]
    worst = sorted(lines, key=lambda line: line[2] + line[3])[:shown]
    said = f"the {len(worst)} of {len(lines)} classes with the least precision and recall"
    return [said, Grid(worst, header)]
