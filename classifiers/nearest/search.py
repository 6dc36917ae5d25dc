"""The nearest stored images of stored ones, or of images from files."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from classifiers.data.pooled import Floats, pool
from classifiers.heads.neighbours import DIGITS, unit_rows
from classifiers.models.through_base import features_of, open_base
from classifiers.nearest.report import NeighboursReport, Unusable
from classifiers.nearest.stored import Stored, require_others, uri_of, vector_of
from pipelines.bases.quantised import quantised_at
from pipelines.errors import TableError, UsageError
from pipelines.records import ImageRef

BATCH = 32
"""Queries that are compared with the table at once."""

ZERO = "its features are all zero, so that no image is near it"
NOT_FINITE = "its features are no finite numbers"


def of_stored(stored: Stored, image_id: str, k: int) -> NeighboursReport:
    """The nearest images of one that the table holds, itself left out.

    Args:
        stored: the images among which they are looked for.
        image_id: the image's; it may be of another split.
        k: how many; all there are if there are fewer.

    Raises:
        UsageError: the table has no such image.
        TableError: it has no others, or features that are no finite numbers or all zero.
    """
    query = vector_of(stored, image_id)
    if query is None:
        raise UsageError(
            f"{stored.table.uri} has no image {image_id!r}; ids are as the input named them, such "
            f"as {stored.rows['image_id'][0].as_py()!r}"
        )
    if not query.any():
        raise TableError(f"{image_id} has no neighbours: {ZERO}")
    itself = stored.place_of(image_id)
    require_others(stored, 0 if itself is None else 1)
    found = _found(stored, [image_id], query, k, itself)
    queries = pa.table({"query": [image_id], "uri": pa.array([uri_of(stored, image_id)])})
    return _report(stored, k, queries, found, ())


def of_images(
    stored: Stored, refs: Sequence[ImageRef], weights: str | None, k: int
) -> NeighboursReport:
    """The nearest stored images of images from files, which go through the table's base.

    A file that the table holds too is found as its own first neighbour.

    Args:
        stored: the images among which they are looked for.
        refs: the images.
        weights: of the base, as `--weights` takes them; ImageNet's when None.
        k: how many; all there are if there are fewer.

    Raises:
        WeightsError: the weights are not those of the table.
        TableError: the base gives features of another shape than the table has.
    """
    table = stored.table
    base_file = quantised_at(table.uri, table.contract)
    engine = open_base(table.contract, weights, len(refs), base_file, "the table")
    if tuple(engine.feature_shape) != table.feature_shape:
        raise TableError(
            f"{table.contract.base} gives features of shape {tuple(engine.feature_shape)}, and "
            f"{table.uri} says {table.feature_shape}; check it with pipelines.verify"
        )
    used: list[ImageRef] = []
    found = [_found(stored, [], np.empty((0, table.feature_shape[-1]), np.float32), k, None)]
    unusable: list[Unusable] = []
    for batch in features_of(refs, engine, table.contract):
        unusable += [Unusable(each.ref.image_id, each.message) for each in batch.failures]
        if not batch.refs:
            continue
        pooled = pool(batch.features, table.feature_shape)
        finite = np.asarray(np.isfinite(pooled).all(axis=1), np.bool_)
        good = np.flatnonzero(finite & pooled.any(axis=1))
        unusable += [
            Unusable(batch.refs[place].image_id, ZERO if finite[place] else NOT_FINITE)
            for place in np.setdiff1d(np.arange(len(pooled)), good)
        ]
        usable = [batch.refs[place] for place in good]
        used += usable
        names = [ref.image_id for ref in usable]
        found.append(_found(stored, names, unit_rows(pooled[good]), k, None))
    queries = pa.table(
        {
            "query": pa.array([ref.image_id for ref in used], pa.string()),
            "uri": pa.array([ref.uri for ref in used], pa.string()),
        }
    )
    return _report(stored, k, queries, pa.concat_tables(found), tuple(unusable))


def _found(
    stored: Stored, names: list[str], queries: Floats, k: int, itself: int | None
) -> pa.Table:
    """Rows query, rank, image_id, label, split, uri, cosine; `itself` is a place left out."""
    wanted = min(k + (itself is not None), stored.rows.num_rows)
    cosines, places = np.empty((0, wanted), np.float32), np.empty((0, wanted), np.int64)
    for start in range(0, len(names), BATCH):
        values, rows = stored.search(queries[start : start + BATCH], wanted)
        cosines, places = np.vstack([cosines, values]), np.vstack([places, rows])
    # An index may find fewer than it was asked for, and says so by places below 0.
    there = (places >= 0) & (places != (-1 if itself is None else itself))
    ranks = np.cumsum(there, axis=1)
    # An equal image with an earlier id may have taken the place of the image itself.
    there &= ranks <= k
    which, _ = np.nonzero(there)
    table = stored.rows.take(pa.array(places[there]))
    table = table.add_column(0, "query", pa.array(names, pa.string()).take(pa.array(which)))
    table = table.add_column(1, "rank", pa.array(ranks[there].astype(np.int32)))
    return table.append_column("cosine", pa.array(np.round(cosines[there].astype(float), DIGITS)))


def _report(
    stored: Stored, k: int, queries: pa.Table, rows: pa.Table, unusable: tuple[Unusable, ...]
) -> NeighboursReport:
    table, searched = stored.table, stored.rows.num_rows
    return NeighboursReport(
        table.uri, table.version, searched, k, queries, rows, unusable, stored.index
    )
