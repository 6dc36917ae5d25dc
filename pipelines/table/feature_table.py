"""Reading the feature table: its contract, its rows, its history."""

import contextlib
import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Self

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
from deltalake import DeltaTable

from pipelines.contract import (
    Augmentation,
    Contract,
    contract_from_json,
    require_same_contract,
)
from pipelines.errors import TableError
from pipelines.table.added_columns import added_columns
from pipelines.table.change import TableState
from pipelines.table.commit_log import read_back
from pipelines.table.contents import (
    COUNTED_COLUMNS,
    LABELLED_COLUMNS,
    count_labels,
    count_rows,
    splits_in,
)
from pipelines.table.inspection import KEY_COLUMNS, NAME_COLUMNS, as_keys
from pipelines.table.links import Links
from pipelines.table.logged import (
    Logged,
    LoggedFile,
    dataset_of,
    logged_files,
    without_what_is_no_file,
)
from pipelines.table.notes import PUT_BACK
from pipelines.table.opening import open_version, properties_of
from pipelines.table.protocol import check_writable
from pipelines.table.receipts import Receipt
from pipelines.table.rows import checked_columns
from pipelines.table.schema import (
    LABELS,
    WHAT_OPTIONAL,
    is_optional,
    optional_schema,
    with_added,
)
from pipelines.table.storage import (
    delta_errors,
    open_storage,
    table_uri,
)

HISTORY = 1_000
"""Commits told of, the newest; a log of many years has more than anybody reads."""


@dataclass(frozen=True)
class FeatureTable:
    """One version of a feature table.

    Attributes:
        uri: where it is.
        contract: the one contract of all its features.
        feature_shape: shape of one image's features before flattening.
        delta: the Delta table behind it, at that version.
        augmentation: how its copies are made; None while there never were any.
    """

    uri: str
    contract: Contract
    feature_shape: tuple[int, ...]
    delta: DeltaTable
    augmentation: Augmentation | None = None

    @classmethod
    def open(cls, location: str, version: int | None = None) -> Self:
        """Open a table, its newest version when none is named.

        Raises:
            TableError: there is no such table or version, or it holds no features.
        """
        table = cls.open_if_exists(location, version)
        if table is None:
            raise TableError(f"no feature table at {location}; pipelines.extract makes one")
        return table

    @classmethod
    def open_if_exists(cls, location: str, version: int | None = None) -> Self | None:
        """Like `open`, but None where there is no table yet."""
        delta = open_version(location, version)
        if delta is None:
            return None
        contract, shape, augmentation = properties_of(location, delta)
        return cls(table_uri(location), contract, shape, delta, augmentation)

    @property
    def version(self) -> int:
        """The Delta version."""
        return int(self.delta.version())

    @property
    def policy(self) -> str | None:
        """Canonical JSON of `augmentation`, as receipts hold it."""
        return None if self.augmentation is None else self.augmentation.canonical_json()

    @cached_property
    def optional(self) -> frozenset[str]:
        """Which of `OPTIONAL` are columns of it."""
        with delta_errors(self.uri, "read the columns of"):
            fields = pa.schema(self.delta.schema().to_arrow())
            return frozenset(field.name for field in fields if is_optional(field))

    @property
    def feature_length(self) -> int:
        """Features an image has after flattening."""
        return prod(self.feature_shape)

    def require_writable(self) -> None:
        """Find out, before work is done, whether files of ours can enter.

        Raises:
            TableError: another program has changed the table's columns or protocol so that they
                cannot.
        """
        check_writable(self.uri, self.delta.protocol())
        _ = self.added_columns

    def check_takes(self, names: Collection[str]) -> None:
        """Refuse columns of ours for a table whose column of that name is somebody else's.

        Args:
            names: of those of `OPTIONAL` that an input needs.

        Raises:
            TableError: it is.
        """
        for name in sorted({*names} - self.optional):
            if name in self.added_columns.names:
                raise TableError(
                    f"{self.uri} has a column {name} that is not of this project, and the input "
                    f"says {WHAT_OPTIONAL[name]}; rename that column, or extract into a new table"
                )

    @cached_property
    def added_columns(self) -> pa.Schema:
        """The columns besides those of the contract: of groups, and what others have added.

        Raises:
            TableError: files of ours cannot enter, see `added_columns.added_columns`.
        """
        return added_columns(self.uri, self.delta, self.contract)

    @cached_property
    def storage(self) -> pafs.FileSystem:
        """A filesystem whose root is the table's folder."""
        return open_storage(self.uri)

    @cached_property
    def logged(self) -> Logged:
        """The data files of this version, and what the log names that is none.

        Raises:
            TableError: the log cannot be read.
        """
        with delta_errors(self.uri, "read the log of"):
            logged = logged_files(self.delta)
        return without_what_is_no_file(logged, Links(self.uri))

    @property
    def files(self) -> tuple[LoggedFile, ...]:
        """What the log says of the data files of this version, ascending by path.

        Raises:
            TableError: one of them does not lie in the table's folder.
        """
        if self.logged.refused:
            first, more = self.logged.refused[0], len(self.logged.refused) - 1
            others = f", and there are {more} more such files" if more else ""
            raise TableError(
                f"the log of {self.uri} cannot be trusted: {first.where} {first.what}{others}; "
                f"{PUT_BACK}"
            )
        return self.logged.files

    @property
    def paths(self) -> list[str]:
        """The Parquet files of this version, relative to the table's folder, ascending."""
        return [file.path for file in self.files]

    def state(self, keys: pa.Table) -> TableState:
        """What a commit on this version is planned on.

        Args:
            keys: what `keys` or `names` gave.
        """
        return TableState(
            self.uri,
            self.version,
            self.contract,
            self.feature_shape,
            keys,
            self.augmentation,
            self.optional,
        )

    def keys(self) -> pa.Table:
        """The columns `KEY_COLUMNS` of every row, its group, and `path`; see `as_keys`."""
        return as_keys(self._columns_and_path([*KEY_COLUMNS, *sorted(self.optional)]))

    def names(self) -> pa.Table:
        """The columns `NAME_COLUMNS` of every row, and `path`: all that a commit is checked by."""
        return self._columns_and_path(NAME_COLUMNS)

    def _columns_and_path(self, names: Sequence[str]) -> pa.Table:
        with self.reading():
            return checked_columns(_with_paths(self.dataset(), names))

    @contextlib.contextmanager
    def reading(self, file: str = "a data file") -> Iterator[None]:
        """Around reading data files: a damaged or missing one becomes a `TableError`."""
        try:
            yield
        except FileNotFoundError as error:
            raise self._gone(file) from error
        # Among them UnicodeDecodeError, and KeyError for a column that is not there.
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise TableError(
                f"a data file of {self.uri} is missing or damaged ({error}); pipelines.verify "
                "--sample 0 names it, and Delta's history may hold a version without it"
            ) from error

    def dataset(self) -> ds.Dataset:
        """The rows of this version as an Arrow dataset."""
        return self._dataset

    @cached_property
    def _dataset(self) -> ds.Dataset:
        schema = with_added(self.contract, optional_schema(self.optional))
        with delta_errors(self.uri, "read the log of"):
            return dataset_of(self.delta, self.files, self.storage, schema)

    def splits(self) -> frozenset[str]:
        """Names of the splits this version has rows of.

        The log's statistics name them. Only of a file that has none, or whose rows are of several
        splits, the column is read.

        Raises:
            TableError: such a file is missing or damaged.
        """
        found = {file.only_split for file in self.files if file.only_split is not None}
        for file in self.files:
            if file.only_split is None and file.rows != 0:
                with self.reading(file.path):
                    found |= splits_in(self.storage, file.path)
        return frozenset(found)

    def counts(self) -> list[tuple[str, str | None, int, int]]:
        """Rows of each split and label, and how many of them are images and not copies, sorted."""
        with self.reading():
            return count_rows(self.dataset().to_batches(columns=COUNTED_COLUMNS))

    def label_counts(self) -> list[tuple[str, str, int]]:
        """Images of each split and label, of those that may have several, sorted."""
        if LABELS not in self.optional:
            return []
        with self.reading():
            return count_labels(self.dataset().to_batches(columns=LABELLED_COLUMNS))

    def history(self, most: int = HISTORY) -> list[dict[str, Any]]:
        """Commits, newest first: version, timestamp (ms), operation, and `run` if it was ours.

        Args:
            most: commits to go back.
        """
        commits = itertools.islice(read_back(self.storage, self.version), most)
        return [
            {
                "version": commit.version,
                "timestamp": commit.time,
                "operation": commit.operation,
                "run": commit.run,
            }
            for commit in commits
        ]

    def check_receipt(self, path: str, receipt: Receipt | None) -> None:
        """Refuse a file of another contract; one without a receipt is taken.

        Raises:
            ContractMismatchError: it has another contract than the table.
        """
        if receipt is not None:
            found = contract_from_json(receipt.contract)
            require_same_contract(self.contract, "the table", found, path)

    def _gone(self, file: str) -> TableError:
        return TableError(
            f"version {self.version} of {self.uri} needs {file}, which is gone: tidied away, "
            "forgotten, or lost (pipelines.verify tells about the newest version)"
        )


def _with_paths(rows: ds.Dataset, names: Sequence[str]) -> pa.Table:
    """Columns of all rows, and `path`: each file's once, as a dictionary, and not for every row."""
    batches = []
    for batch in rows.to_batches(columns=[*names, "__filename"]):
        paths = batch.column("__filename").dictionary_encode()
        batches.append(batch.set_column(len(names), "path", paths))
    if not batches:
        schema = [*map(rows.schema.field, names), pa.field("path", pa.string())]
        return pa.schema(schema).empty_table()
    return pa.Table.from_batches(batches).unify_dictionaries()
