"""Holding the rows of a feature table against its input and freshly made features."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from pipelines.contract import DEVICE_ERRORS, PARITY_BOUND
from pipelines.records import Extracted, Failure, ImageRef, image_of, is_copy, shown_name
from pipelines.stores.outages import is_gone
from pipelines.table.doubles import double_rows
from pipelines.table.feature_table import FeatureTable
from pipelines.table.notes import Finding, Note, Unchecked, in_a_line
from pipelines.table.precision import MANTISSA_BITS, round_mantissa
from pipelines.table.rewriting import Placement
from pipelines.table.rows import names_of, row_blocks
from pipelines.table.schema import feature_schema
from pipelines.table.stored import StoredImage


def check_rows(
    inputs: Mapping[str, ImageRef],
    stored: Mapping[str, StoredImage],
    known_failures: frozenset[str],
    hashes: Mapping[str, str | None],
    errors: Mapping[str, OSError],
) -> Iterator[Note]:
    """Check ids, labels, splits and hashes of all rows against the input.

    Args:
        inputs: the rows that there should be, by name.
        stored: the rows that there are, by name.
        known_failures: ids of images that could not be used.
        hashes: SHA-256 of the inputs that have a row, by `uri`; None for what cannot be read.
        errors: why that cannot be read, by `uri`.
    """
    for name, ref in sorted(inputs.items()):
        row = stored.get(name)
        where = shown_name(name)
        if row is None:
            if ref.image_id not in known_failures:
                yield Finding(where, "is in the input and neither a row nor a known failure")
            continue
        if hashes[ref.uri] is None:
            yield _unreadable(where, errors[ref.uri])
        elif hashes[ref.uri] != row.sha256:
            yield Finding(where, "has other bytes than its row was made from")
        for field in Placement._fields:
            wanted, found = getattr(ref, field), getattr(row, field)
            if wanted != found:
                said = f"has {field} {wanted!r} in the input and {found!r} in its row"
                yield Finding(where, said)
    for name in sorted(stored.keys() - inputs.keys()):
        if is_copy(name) and image_of(name) in inputs:
            yield Finding(shown_name(name), "is a copy of an image that is not trained on")
        else:
            yield Finding(shown_name(name), "is a row and not in the input")


def check_single(keys: pa.Table) -> Iterator[Note]:
    """Check that no row is there twice.

    Args:
        keys: of all rows.
    """
    for name, count in double_rows(keys):
        yield Finding(shown_name(name), f"is there {count} times")


def sample_rows(names: Iterable[str], count: int | None, seed: int) -> list[str]:
    """Names of rows drawn at random without repetition, ascending; all of them for None."""
    names = sorted(names)
    if count is None or count >= len(names):
        return names
    places = np.random.default_rng(seed).choice(len(names), size=count, replace=False)
    return [names[place] for place in sorted(places)]


def check_features(
    table: FeatureTable, extracted: Iterable[Extracted], stored: Mapping[str, StoredImage]
) -> Iterator[Note]:
    """Hold vectors that were extracted anew against the stored ones.

    An image that could not be read, or not be run just now, says nothing of its features.

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
            yield _not_extracted(failure, stored[failure.ref.name])
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


def _unreadable(where: str, error: OSError) -> Note:
    if is_gone(error):
        return Finding(where, f"cannot be read any more: {error.strerror or in_a_line(error)}")
    return Unchecked(where, f"cannot be read now: {error.strerror or in_a_line(error)}")


def _not_extracted(failure: Failure, row: StoredImage) -> Note:
    where = shown_name(failure.ref.name)
    if failure.sha256 not in (None, row.sha256):
        return Finding(where, "has other bytes than its row was made from")
    if failure.lasting:
        return Finding(where, f"cannot be extracted again: {failure.message}")
    return Unchecked(where, f"cannot be extracted again now: {failure.message}")


def _stored_features(
    table: FeatureTable, paths: set[str]
) -> Iterator[tuple[str, np.typing.NDArray[np.float32]]]:
    columns = feature_schema(table.contract)
    for path in sorted(paths):
        for rows in row_blocks(table.storage, path, columns, table.feature_length):
            for name, values in zip(names_of(rows), rows["features"], strict=True):
                yield name, values.values.to_numpy(zero_copy_only=True)
