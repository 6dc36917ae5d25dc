"""Versions of a model in a bucket.

The files of a version are objects in a folder of their own, `PLACE/_files/TOKEN/`. Written last,
`PLACE/_versions/N.json` says which folder that is, and is only ever created: of several processes
that want one number, one gets it, and a version that is half there is none.
"""

import contextlib
import hashlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from classifiers.models.versions.draft import Draft
from classifiers.models.versions.fetching import fetched
from classifiers.models.versions.leftovers import remove_leftovers
from classifiers.models.versions.record import LARGEST_RECORD, record_from_json, record_of
from classifiers.models.versions.uploading import publish, upload, withdraw
from pipelines.cli import log
from pipelines.errors import FrozenFeaturesError, ModelError, UsageError
from pipelines.outputs import TABLES, VERSIONS
from pipelines.stores.door import require_store
from pipelines.stores.objects import (
    StoreError,
    TooLargeError,
    check_can_write,
    first_objects,
    list_objects,
    read_object,
)
from pipelines.stores.places import Place
from pipelines.system.cache import cache_folder, make_cache_folder, may_read_cache

FILES = "_files"
TRAININGS = "trainings"
"""In the cache."""

(LOG,) = TABLES
"""What tells a table."""

_RECORD = re.compile(r"([1-9][0-9]{0,17})\.json")


@dataclass(frozen=True, slots=True)
class BucketVersions:
    """The versions at a place in a bucket.

    Attributes:
        place: the place.
        option: that named it, for complaints.
    """

    place: Place
    option: str = "--model"

    @property
    def location(self) -> str:
        """The place, as names have it."""
        return self.place.uri

    @property
    def is_plain(self) -> bool:
        """False: in a bucket every model is a version."""
        return False

    def state_beside(self) -> Path | None:
        """What the state of a training lies beside: in the cache, None where it is not used."""
        if not may_read_cache(TRAININGS):
            return None
        folder = cache_folder() / TRAININGS
        with contextlib.suppress(OSError):  # told when a state is to be written
            make_cache_folder(folder)
        return folder / hashlib.sha256(self.location.encode()).hexdigest()

    def numbers(self) -> list[int]:
        """The versions that there are, ascending.

        Raises:
            ModelError: the store does not say.
        """
        with _store_errors():
            require_store(self.place)
            records = self.place.inside(VERSIONS)
            names = [records.below(each.key) for page in list_objects(records) for each in page]
        found = (_RECORD.fullmatch(name or "") for name in names)
        return sorted(int(each[1]) for each in found if each is not None)

    def name(self, number: int) -> str:
        """What a version is called."""
        return f"{self.location}@{number}"

    @contextlib.contextmanager
    def files(self, number: int) -> Iterator[Path]:
        """A local folder with the files of a version.

        Raises:
            ModelError: there is none, it is damaged, or the store does not give it.
        """
        place = self._record(number)
        with contextlib.ExitStack() as stack:
            with _store_errors():
                try:
                    record = record_from_json(read_object(place.uri, LARGEST_RECORD))
                except (ValueError, TooLargeError) as error:
                    raise ModelError(f"{place.uri} is no record of a version: {error}") from error
                folder = stack.enter_context(fetched(self._files(record.folder), record))
            yield folder

    def check(self) -> None:
        """Refuse a place where no version can be put.

        Raises:
            UsageError: something else is there.
            ModelError: the store does not answer, or does not take an object.
        """
        with _store_errors():
            require_store(self.place)
            for above in self.place.above():
                if first_objects(above.inside(LOG)):
                    raise UsageError(
                        f"{self.option} {self.location} lies in a table, {above.uri}; name a "
                        "place outside"
                    )
            names = (self.place.below(each.key) or "" for each in first_objects(self.place))
            others = sorted({name.partition("/")[0] for name in names} - {FILES, VERSIONS})
            if others:
                raise UsageError(
                    f"{self.option} {self.location} holds {others[0]}, which is no part of a "
                    "model's versions; name another place"
                )
            check_can_write(self.place, f"{VERSIONS}/writable")

    @contextlib.contextmanager
    def draft(self, number: int | None = None) -> Iterator[Draft]:
        """A local folder to write a model into, which becomes a version.

        Args:
            number: the version that it must become; the next one when None.

        Raises:
            ModelError: another process put a version of that number there meanwhile, or the store
                does not take it; a model that was trained is then kept in a local folder.
        """
        above = Path(tempfile.mkdtemp(prefix="model-"))
        draft = Draft(above / "model", self.location)
        keep = False
        try:
            draft.folder.mkdir()
            yield draft
            keep = number is None
            draft.place = self.name(self._add(draft.folder, number))
            keep = False
        except (FrozenFeaturesError, OSError) as error:
            if keep:
                raise ModelError(f"{error}; this model is in {draft.folder}") from error
            raise
        except BaseException:
            if keep:
                log(f"the model is in {draft.folder}; move it or delete it")
            raise
        finally:
            if not keep:
                shutil.rmtree(above, ignore_errors=True)

    def _add(self, draft: Path, number: int | None) -> int:
        record = record_of(uuid.uuid4().hex, draft)
        files = self._files(record.folder)
        with _store_errors():
            upload(draft, files, record)
            wanted = number or self._next()
            while not publish(self._record(wanted), record):
                if number is not None:
                    withdraw(files, record)
                    raise ModelError(
                        f"{self.name(number)} was put there meanwhile by another process; nothing "
                        "was changed, run the command again"
                    )
                wanted = self._next()
        self._remove_leftovers()
        return wanted

    def _remove_leftovers(self) -> None:
        """Tidy what uploads left that were killed; where that fails it costs space alone."""
        with contextlib.suppress(FrozenFeaturesError, OSError):
            removed = remove_leftovers(self.place.inside(FILES), self.place.inside(VERSIONS))
            if removed:
                log(f"{self.location}: deleted what {removed} stopped uploads had left")

    def _next(self) -> int:
        return max(self.numbers(), default=0) + 1

    def _files(self, token: str) -> Place:
        return self.place.inside(f"{FILES}/{token}")

    def _record(self, number: int) -> Place:
        return self.place.inside(f"{VERSIONS}/{number}.json")


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise ModelError(str(error)) from error
