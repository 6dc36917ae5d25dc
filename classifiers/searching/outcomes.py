"""What one setting gave on one fold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one setting gave.

    Attributes:
        accuracy: on the test part.
        converged: whether the fit did.
    """

    accuracy: float
    converged: bool
