"""How what is at an input's location is to be understood, where it does not say so itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

COLUMNS = ("path", "id", "label", "split")
"""What a manifest, or another file of rows, may say of an image."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to understand an input.

    Attributes:
        columns: by name of `COLUMNS`, what the file calls the column; others are known by theirs.
        id_prefix: what every image's id begins with.
        version: of a Delta table; None for the newest.
        private_hosts: whether URLs may lead to this machine and to private networks.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    id_prefix: str = ""
    version: int | None = None
    private_hosts: bool = False


PLAIN = Layout()
