"""One run under way: its id, its table, its inputs, and what it sees of them."""

import functools
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa
import pyarrow.fs as pafs

from pipelines.bases.quantised import quantised_at
from pipelines.contract import (
    Augmentation,
    Contract,
    require_same_augmentation,
    require_same_contract,
)
from pipelines.engines.request import Computation, EngineRequest
from pipelines.images.decode import PixelSpec, pixel_spec
from pipelines.images.fingerprint import fingerprint
from pipelines.images.hashing import ContentHashes
from pipelines.images.inventory import Inventory
from pipelines.images.picked import Names, Selected
from pipelines.planning.column_comparison import compare_columns
from pipelines.planning.comparison import Comparison, compare
from pipelines.planning.copies import copies_held, rows_wanted, short_of_copies
from pipelines.planning.job import ExtractJob
from pipelines.planning.recalling import comparison_of, recall
from pipelines.planning.uncommitted import (
    NO_WORK,
    FinishedWork,
    add_own_failures,
    find_uncommitted,
    match_finished,
)
from pipelines.records import Difference, ImageRef
from pipelines.table.agreements import Agreement
from pipelines.table.base_files import keep_base
from pipelines.table.doubles import require_single
from pipelines.table.feature_table import FeatureTable
from pipelines.table.inspection import EMPTY_KEYS, InspectedFile
from pipelines.table.names import new_run_id
from pipelines.table.rows import keeps_its_digest
from pipelines.table.storage import folder_exists, open_storage, table_uri
from pipelines.table.stored import StoredImage, UnreadRows, stored_images


@dataclass(frozen=True, slots=True)
class Scene:
    """The table and the uncommitted work beside it, as seen at one moment.

    Attributes:
        table: the newest version; None when there is none yet.
        inputs: by name, the rows that the table should have: images and their copies.
        keys: what `FeatureTable.keys` gives; None where they were not read.
        stored: the same by name.
        comparison: of the inputs with the table.
        work: what finished, uncommitted files hold of the inputs that need a row.
        copies: how many of the inputs are copies.
        agreement: what an earlier run found of this version and these inputs; None where it was
            found by reading the keys.
    """

    table: FeatureTable | None
    inputs: Mapping[str, ImageRef]
    keys: pa.Table | None
    stored: Mapping[str, StoredImage]
    comparison: Comparison
    work: FinishedWork
    copies: int
    agreement: Agreement | None = None

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one image's features before flattening; () while there is no table."""
        return () if self.table is None else self.table.feature_shape

    def short_of_copies(self, split: str) -> tuple[int, int]:
        """See `pipelines.planning.copies.short_of_copies`; no input is looked at without copies."""
        return short_of_copies(self.inputs.values(), split) if self.copies else (0, 0)


class Run:
    """An extraction between its start and its commit, which is `pipelines.commits.settlement`.

    Attributes:
        id: names the run and its files.
        job: what is wanted.
        uri: the table's.
        images: the input, by image id.
        computation: what is to be computed of an image.
        beam_flags: Beam's options.
        augmentation: how copies are made: as the table has it, once it has copies.
        worked: whether shards were handed to workers, whose files are then looked for.
        new_base: the file of a base that was quantised for this run; None once the table's folder
            keeps it, or where there is none.
        difference: of that base from float32's features; None where none was made.
    """

    def __init__(
        self,
        job: ExtractJob,
        images: Mapping[str, ImageRef],
        computation: Computation,
        beam_flags: Sequence[str],
        hashes: ContentHashes,
        new_base: bytes | None = None,
        difference: Difference | None = None,
    ) -> None:
        """Begin a run; `pipelines.planning.preparing` makes what it takes."""
        self.id = new_run_id()
        self.job, self.images, self.computation = job, images, computation
        self.beam_flags = tuple(beam_flags)
        self.new_base, self.difference = new_base, difference
        self.uri = table_uri(job.table)
        self.augmentation = Augmentation(**job.augmentation)
        self.worked = False
        self._hashes = hashes
        self._intact: dict[str, bool] = {}
        self._receipts_read: set[str] = set()
        self._idle: Scene | None = None

    @property
    def contract(self) -> Contract:
        """What the features are to be."""
        return self.computation.contract

    @property
    def pixels(self) -> PixelSpec:
        """How images and copies are decoded."""
        return pixel_spec(self.contract, self.augmentation, self.job.max_image_bytes)

    def open_table(self) -> FeatureTable | None:
        """Open the newest version of the table; None while there is none.

        Raises:
            ContractMismatchError: it holds features of another contract, or copies of another
                policy.
            TableError: others have changed its columns so that no file can enter.
        """
        table = FeatureTable.open_if_exists(self.uri)
        if table is not None:
            require_same_contract(table.contract, "the table", self.contract, "these options")
            table.require_writable()
            self._settle_augmentation(table)
        return table

    def keep_base(self, engine: EngineRequest) -> EngineRequest:
        """Put a base that was quantised for this run into the table's folder, for all workers.

        Returns:
            The request as workers are to have it.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.contract.quantisation is None:
            return engine
        if self.new_base is not None:
            keep_base(self.uri, self.contract, self.new_base)
            self.new_base = None
        return replace(engine, base_file=quantised_at(self.uri, self.contract))

    def look(self) -> Scene:
        """See what the table and the files beside it hold now.

        Raises:
            ContractMismatchError: the table holds features of another contract, or copies of
                another policy, perhaps since a moment ago.
            TableError: it holds a row twice.
        """
        table = self.open_table()
        idle = self._idle
        if idle is not None and not self.worked and _version(idle.table) == _version(table):
            return idle  # nothing was to be done, and nobody has committed since
        recalled = self._recalled(table)
        if recalled is not None:
            scene = self._with_work(recalled)
            if not scene.work.rows:
                return scene
            del scene
        return self._with_work(self._compared(table))

    @cached_property
    def inputs_hash(self) -> str | None:
        """What `fingerprint` gives of the images; None where they are no columns."""
        return fingerprint(self.images) if isinstance(self.images, Inventory) else None

    def _recalled(self, table: FeatureTable | None) -> Scene | None:
        """What an earlier run saw that was no other; None where it is to be looked at."""
        # Rows of this run's own count as right whatever became of their images.
        if table is None or self.worked or self.job.copies:
            return None
        if not isinstance(self.images, Inventory) or self.inputs_hash is None:
            return None
        agreed = recall(table, self.images, self.inputs_hash)
        if agreed is None:
            return None
        stored = UnreadRows(table.keys, len(self.images) - len(agreed.lacking))
        compared = comparison_of(self.images, agreed)
        return Scene(table, self.images, None, stored, compared, NO_WORK, 0, agreed)

    def _compared(self, table: FeatureTable | None) -> Scene:
        keys = EMPTY_KEYS if table is None else table.keys()
        inputs = rows_wanted(self.images, self.job.copies, self.augmentation, copies_held(keys))
        copies = len(inputs) - len(self.images)
        comparison, stored = self._compare(inputs, keys)
        return Scene(table, inputs, keys, stored, comparison, NO_WORK, copies)

    def _with_work(self, scene: Scene) -> Scene:
        table, comparison, inputs = scene.table, scene.comparison, scene.inputs
        wanted = _selected(inputs, comparison.new | comparison.changed)
        # With nothing to do, files that a store keeps of older versions need not be looked into.
        if not (wanted or self.worked) or not folder_exists(self.uri):
            self._idle = None if wanted else scene
            return scene
        storage = open_storage(self.uri)
        committed = [] if table is None else table.paths
        files = find_uncommitted(storage, committed, self.contract)
        keep = not self.job.retry_failures
        intact = functools.partial(self._is_intact, storage)
        work = match_finished(files, wanted, self._hashes, intact, self.id, keep, self.augmentation)
        unread = [path for path in committed if path not in self._receipts_read]
        work = add_own_failures(work, storage, unread, wanted, self.id)
        self._receipts_read.update(committed, (file.path for file in files))
        return replace(scene, work=work)

    def _compare(
        self, inputs: Mapping[str, ImageRef], keys: pa.Table
    ) -> tuple[Comparison, Mapping[str, StoredImage]]:
        stored: Mapping[str, StoredImage]
        if isinstance(inputs, Inventory):
            comparison, stored = compare_columns(inputs, keys, self._hashes, self.id)
        else:
            stored = stored_images(keys)
            comparison = compare(inputs, stored, self._hashes, self.id)
        if len(stored) < keys.num_rows:
            require_single(self.uri, keys)
        return comparison, stored

    def _is_intact(self, storage: pafs.FileSystem, file: InspectedFile) -> bool:
        if file.path not in self._intact:
            self._intact[file.path] = keeps_its_digest(storage, file.path, file.receipt)
        return self._intact[file.path]

    def _settle_augmentation(self, table: FeatureTable) -> None:
        if table.augmentation is None:
            return
        named = replace(table.augmentation, **self.job.augmentation)
        require_same_augmentation(table.augmentation, named)
        self.augmentation = table.augmentation


def _selected(inputs: Mapping[str, ImageRef], names: AbstractSet[str]) -> Mapping[str, ImageRef]:
    if isinstance(names, Names):
        return Selected(names)
    return {name: inputs[name] for name in names}


def _version(table: FeatureTable | None) -> int | None:
    return None if table is None else table.version
