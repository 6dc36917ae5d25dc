"""Holding a feature table against its log, its files, its input and freshly made features."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.contract import PARITY_BOUND, contract_from_json, differing_fields
from pipelines.errors import TableError
from pipelines.records import Extracted, ImageRef, image_of, is_copy, shown_name
from pipelines.table.feature_table import FeatureTable
from pipelines.table.precision import MANTISSA_BITS, round_mantissa
from pipelines.table.receipts import RowDigest, read_receipt
from pipelines.table.rows import names_of, row_groups
from pipelines.table.stored import StoredImage

DEVICE_ERRORS = {"float32": 0.0, "tfloat32": 2e-3, "float16": 5e-3, "bfloat16": 3e-2}
"""Relative errors, by compute dtype, that another device may make in a vector: about three times
what VGG16's differ by from float32 (bfloat16 0.7 %, measured on a CPU)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        where: a data file, an image id, or "table".
        what: what is wrong, one line.
    """

    where: str
    what: str


def check_files(table: FeatureTable) -> Iterator[Finding]:
    """Check every data file: size, footer, contract, row count and digest against the log.

    Reads all of every file, and with it the checksum of every page. A file without a receipt was
    written by Delta's own compaction and has no digest; the rest of it is checked all the same.
    """
    actions = pa.table(table.delta.get_add_actions(flatten=True))
    columns = [actions[name].to_pylist() for name in ("path", "size_bytes", "num_records")]
    digests = _digests_in_log(table)
    for path, size, rows in zip(*columns, strict=True):
        for what in _faults_of_file(table, path, size, rows, digests.get(path)):
            yield Finding(path, what)


def check_rows(
    inputs: Mapping[str, ImageRef],
    stored: Mapping[str, StoredImage],
    known_failures: frozenset[str],
    hashes: Mapping[str, str | None],
) -> Iterator[Finding]:
    """Check ids, labels, splits and hashes of all rows against the input.

    Args:
        inputs: the rows that there should be, by name.
        stored: the rows that there are, by name.
        known_failures: ids of images that could not be used.
        hashes: SHA-256 of the inputs that have a row, by `uri`; None for what cannot be read.
    """
    for name, ref in sorted(inputs.items()):
        row = stored.get(name)
        where = shown_name(name)
        if row is None:
            if ref.image_id not in known_failures:
                yield Finding(where, "is in the input and neither a row nor a known failure")
            continue
        if hashes[ref.uri] is None:
            yield Finding(where, "cannot be read any more")
        elif hashes[ref.uri] != row.sha256:
            yield Finding(where, "has other bytes than its row was made from")
        for field in ("label", "split"):
            wanted, found = getattr(ref, field), getattr(row, field)
            if wanted != found:
                said = f"has {field} {wanted!r} in the input and {found!r} in its row"
                yield Finding(where, said)
    for name in sorted(stored.keys() - inputs.keys()):
        if is_copy(name) and image_of(name) in inputs:
            yield Finding(shown_name(name), "is a copy of an image that is not trained on")
        else:
            yield Finding(shown_name(name), "is a row and not in the input")


def sample_rows(names: Iterable[str], count: int | None, seed: int) -> list[str]:
    """Names of rows drawn at random without repetition, ascending; all of them for None."""
    names = sorted(names)
    if count is None or count >= len(names):
        return names
    places = np.random.default_rng(seed).choice(len(names), size=count, replace=False)
    return [names[place] for place in sorted(places)]


def check_features(
    table: FeatureTable, extracted: Iterable[Extracted], stored: Mapping[str, StoredImage]
) -> Iterator[Finding]:
    """Hold vectors that were extracted anew against the stored ones.

    Args:
        table: the table.
        extracted: some of its images and copies, as they are now.
        stored: the table's rows by name.
    """
    contract = table.contract
    # Where two engines differ a little, rounding may tip either way: by one unit in the last place.
    bound = PARITY_BOUND + 2.0 ** -MANTISSA_BITS[contract.precision]
    bound += DEVICE_ERRORS[contract.compute_dtype]
    found = {}
    for each in extracted:
        for failure in each.failures:
            where = shown_name(failure.ref.name)
            yield Finding(where, f"cannot be extracted again: {failure.message}")
        features = round_mantissa(each.block.features, contract.precision)
        for source, values in zip(each.block.sources, features, strict=True):
            name = source.ref.name
            if source.sha256 == stored[name].sha256:
                found[name] = values
            else:
                yield Finding(shown_name(name), "has other bytes than its row was made from")
    for name, values in _stored_features(table, {stored[name].path for name in found}):
        if name in found:
            scale = max(float(np.linalg.norm(found[name])), float(np.finfo(np.float32).tiny))
            error = float(np.linalg.norm(values - found[name])) / scale
            if not error <= bound:
                yield Finding(shown_name(name), f"its features are off by {error:.1e}, relative")


def _digests_in_log(table: FeatureTable) -> dict[str, str]:
    digests: dict[str, str] = {}
    for commit in table.history():
        digests |= (commit["run"] or {}).get("digests", {})
    return digests


def _faults_of_file(
    table: FeatureTable, path: str, size: int, rows: int, logged: str | None
) -> Iterator[str]:
    info = table.storage.get_file_info(path)
    if not info.is_file:
        yield "is missing"
        return
    if info.size != size:
        yield f"is {info.size} bytes long, the log says {size}"
    try:
        receipt = read_receipt(table.storage, path)
        digest, found = _digest_of(table, path)
    except (TableError, OSError, pa.ArrowException) as error:
        yield f"is damaged: {' '.join(str(error).split())}"
        return
    if found != rows:
        yield f"holds {found} rows, the log says {rows}"
    if logged is not None and digest != logged:
        yield "holds other rows than were committed: their digest is not the log's"
    if receipt is None:
        return
    if digest != receipt.digest:
        yield "holds other rows than were written: their digest is not the receipt's"
    try:
        different = differing_fields(table.contract, contract_from_json(receipt.contract))
    except ValueError as error:
        yield f"its contract cannot be read: {error}"
        return
    for field, (wanted, other) in different.items():
        yield f"its contract has {field} {other}, the table's {wanted}"


def _digest_of(table: FeatureTable, path: str) -> tuple[str, int]:
    digest, count = RowDigest(), 0
    for rows in row_groups(table.storage, path):
        lengths = rows.column("features").combine_chunks().value_lengths().unique().to_pylist()
        if lengths != [table.feature_length]:
            raise TableError(f"a row does not hold {table.feature_length} features")
        digest.add(rows)
        count += rows.num_rows
    return digest.hexdigest(), count


def _stored_features(
    table: FeatureTable, paths: set[str]
) -> Iterator[tuple[str, np.typing.NDArray[np.float32]]]:
    for path in sorted(paths):
        for rows in row_groups(table.storage, path):
            for name, values in zip(names_of(rows), rows["features"], strict=True):
                yield name, values.values.to_numpy(zero_copy_only=True)
