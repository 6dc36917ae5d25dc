"""What a folder or prefix holds besides the images that are taken: counted, and said once."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pipelines.cli import few, log
from pipelines.images.columns.files import BYTES_SUFFIXES
from pipelines.images.manifest_files import manifest_suffix
from pipelines.images.packed.index import PACKED_SUFFIXES

METADATA = frozenset({"metadata.csv", "metadata.jsonl", "metadata.parquet"})
"""What the manifest of a folder for Hugging Face's `datasets` is called."""

HARDLY_MANIFESTS = (".json", ".txt")
"""Suffixes of manifests that are more often something else."""

SHOWN = 8
"""Suffixes and folders that are named; of more it is said how many."""


@dataclass
class PassedOver:
    """Counts what a listing passes over.

    Attributes:
        taken: images that are taken.
        suffixes: other files, by suffix in lower case; "" for none.
        manifests: other files that are manifests by their names.
        metadata: where files lie that may be the manifest of their folder; see `METADATA`.
        folders: folders of tables and models below the root, with what they are; "" is the root.
    """

    taken: int = 0
    suffixes: Counter[str] = field(default_factory=Counter)
    manifests: list[str] = field(default_factory=list)
    metadata: list[tuple[str, ...]] = field(default_factory=list)
    folders: dict[str, str] = field(default_factory=dict)

    def file(self, parts: tuple[str, ...]) -> None:
        """Count a file that is not taken, by where it lies below the root."""
        self.suffixes[PurePosixPath(parts[-1]).suffix.lower()] += 1
        if manifest_suffix(parts[-1]) not in ("", *HARDLY_MANIFESTS):
            self.manifests.append("/".join(parts))
        if parts[-1] in METADATA:
            self.metadata.append(parts)

    def taken_otherwise(self, parts: tuple[str, ...]) -> None:
        """Count a file no longer, because it is read after all."""
        self.suffixes -= Counter([PurePosixPath(parts[-1]).suffix.lower()])
        self.manifests.remove("/".join(parts))

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
