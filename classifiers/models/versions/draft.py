"""A model that is being written, and what it is called once it is."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Draft:
    """A model's files before it has its name.

    Attributes:
        folder: to write them into.
        place: what the model is called; of one that becomes a version, its number is known, and
            stands here, only when it has been put in place.
    """

    folder: Path
    place: Path | str
