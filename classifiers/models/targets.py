"""Where a training puts its model: a folder of its own, or the next version at a place."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from classifiers.models.place import check_target, model_draft
from classifiers.models.versions.bucket import BucketVersions
from classifiers.models.versions.draft import Draft
from classifiers.models.versions.local import LocalVersions
from pipelines.errors import UsageError
from pipelines.outputs import VERSIONS
from pipelines.stores.places import is_remote, parse_place


@dataclass(frozen=True, slots=True)
class PlainTarget:
    """A folder that holds one model.

    Attributes:
        folder: the folder.
        overwrite: replace a model that is there.
    """

    folder: Path
    overwrite: bool

    def state_beside(self) -> Path:
        """What the state of a training lies beside."""
        return self.folder

    def check(self) -> None:
        """See `check_target`."""
        check_target(self.folder, overwrite=self.overwrite)

    @contextlib.contextmanager
    def draft(self) -> Iterator[Draft]:
        """See `model_draft`."""
        with model_draft(self.folder, overwrite=self.overwrite) as folder:
            yield Draft(folder, self.folder)


Target = PlainTarget | LocalVersions | BucketVersions


def target_at(location: str, *, overwrite: bool) -> Target:
    """Where a model at a place goes.

    Args:
        location: as `model_place` gives it.
        overwrite: replace the one model of a plain folder; versions are added to, never replaced.

    Raises:
        UsageError: the place is the folder that one is in, or a version.
    """
    if is_remote(location):
        return BucketVersions(parse_place(location))
    folder = Path(location)
    if folder.resolve() == Path.cwd():
        raise UsageError(f"--model {location} is the folder you are in; name one in it")
    if folder.parent.name == VERSIONS:
        raise UsageError(
            f"--model {location} is a version, which is never replaced; name "
            f"{folder.parent.parent}, which gets a new one"
        )
    if (folder / VERSIONS).is_dir():
        return LocalVersions(folder)
    return PlainTarget(folder, overwrite)
