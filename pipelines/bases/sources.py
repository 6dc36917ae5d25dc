"""Where a base's ImageNet weights may come from, in the order in which they are looked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.bases.catalogue import Base
from pipelines.bases.vgg16_package import REQUIREMENT
from pipelines.system.cache import cache_folder
from pipelines.system.keras_backend import keras_home
from pipelines.system.offline import VARIABLE, is_offline

KERAS_CACHE, CACHE, DOWNLOAD, PACKAGE = "Keras's cache", "the cache", "Keras's download", "package"


@dataclass(frozen=True, slots=True)
class Source:
    """A place to look for weights.

    Attributes:
        kind: one of `KERAS_CACHE`, `CACHE`, `DOWNLOAD` and `PACKAGE`.
        name: the same in words, for the log.
        path: the file; None for what comes over the network.
    """

    kind: str
    name: str
    path: Path | None = None

    @property
    def there(self) -> bool:
        """Whether it can be tried: its file is there, or it comes over the network, and may."""
        return not is_offline() if self.path is None else self.path.is_file()


def imagenet_sources(base: Base) -> tuple[Source, ...]:
    """All sources of a base's ImageNet weights, those that are not there too.

    A base whose weights' fingerprint is not known is loaded as Keras does: from its cache or by
    its download.
    """
    sources = []
    if base.imagenet_file is not None:
        sources.append(
            Source(KERAS_CACHE, KERAS_CACHE, keras_home() / "models" / base.imagenet_file)
        )
    if base.imagenet_fingerprint is not None:
        kept = kept_file(base)
        sources.append(Source(CACHE, f"the cache {kept}", kept))
    sources.append(Source(DOWNLOAD, DOWNLOAD))
    if base.name == "VGG16" and base.imagenet_fingerprint is not None:
        sources.append(Source(PACKAGE, REQUIREMENT))
    return tuple(sources)


def source_states(sources: Sequence[Source]) -> list[tuple[str, str, str]]:
    """What would become of sources in their order: kind, place, and what is said of it."""
    rows, taken = [], False
    for source in sources:
        if source.path is None:
            forbidden = f"not asked: {VARIABLE} is set"
            state = "asked if those above give none" if source.there else forbidden
        elif not source.there:
            state = "not there"
        else:
            state, taken = "there" if taken else "taken first", True
        rows.append((source.kind, str(source.path or source.name), state))
    return rows


def kept_file(base: Base) -> Path:
    """Where this project's cache keeps a base's known ImageNet weights."""
    return cache_folder() / f"{base.name}-{str(base.imagenet_fingerprint)[:16]}.weights.h5"
