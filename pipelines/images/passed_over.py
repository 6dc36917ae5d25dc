"""What a folder or prefix holds besides the images that are taken: counted, and said once."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pipelines.cli import few, log
from pipelines.images.columns.files import BYTES_SUFFIXES
from pipelines.images.manifest_files import MANIFEST_SUFFIXES
from pipelines.images.packed.index import PACKED_SUFFIXES

SHOWN = 8
"""Suffixes and folders that are named; of more it is said how many."""


@dataclass
class PassedOver:
    """Counts what a listing passes over.

    Attributes:
        taken: images that are taken.
        suffixes: other files, by suffix in lower case; "" for none.
        manifests: other files that could be manifests.
        folders: folders of tables and models below the root, with what they are; "" is the root.
    """

    taken: int = 0
    suffixes: Counter[str] = field(default_factory=Counter)
    manifests: list[str] = field(default_factory=list)
    folders: dict[str, str] = field(default_factory=dict)

    def file(self, name: str) -> None:
        """Count a file that is not taken, by its path below the root."""
        suffix = PurePosixPath(name).suffix.lower()
        self.suffixes[suffix] += 1
        if suffix in MANIFEST_SUFFIXES:
            self.manifests.append(name)

    def tell(self, root: str) -> None:
        """Say what was passed over below a root; nothing where all was taken."""
        if not self.taken:  # then they are looked into
            holding = PACKED_SUFFIXES | BYTES_SUFFIXES
            self.suffixes = Counter({s: n for s, n in self.suffixes.items() if s not in holding})
        if self.suffixes:
            passed = self.suffixes.total()
            kinds = [f"{suffix or 'no suffix'} {n}" for suffix, n in self.suffixes.most_common()]
            log(
                f"{passed} of {self.taken + passed} files of {root} are not read, "
                f"by their suffix: {few(kinds, SHOWN)}"
            )
        if self.manifests:
            log(f"a manifest is read when --input names it: {few(sorted(self.manifests), SHOWN)}")
        if self.folders:
            shown = [f"{folder or root} ({what})" for folder, what in sorted(self.folders.items())]
            log(f"not read in {root}: {few(shown, SHOWN)}")
