"""How a training went, in a line: which epoch was kept, or that the fit did not converge."""

from classifiers.models.card import ModelCard


def course_told(card: ModelCard) -> list[str]:
    """The line; none where a fit converged, or the last epoch of all is the one that was kept."""
    if card.converged is False:
        return [f"{card.head} stopped before it converged; a smaller --C helps"]
    course = card.course
    if course is None or course.kept == course.planned:
        return []
    why = "; ".join(course.stopped)
    return [f"epoch {course.kept} kept, of {course.epochs} trained ({why})"]
