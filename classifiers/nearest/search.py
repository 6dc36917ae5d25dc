"""The nearest stored images of stored ones, or of images from files."""

import numpy as np
import pyarrow as pa

from classifiers.data.pooled import Floats, pool
from classifiers.heads.neighbours import blocks_of, nearest, unit_rows
from classifiers.models.through_base import features_of, open_base
from classifiers.nearest.report import NeighboursReport, Unusable
from classifiers.nearest.stored import Stored, read_stored, require_others
from pipelines.errors import UsageError
from pipelines.records import ImageRef
from pipelines.table.feature_table import FeatureTable

BATCH = 32
"""Queries that are compared with the table at once."""


def of_stored(table: FeatureTable, split: str | None, image_id: str, k: int) -> NeighboursReport:
    """The nearest images of one that the table holds, itself left out.

    Args:
        table: the table.
        split: where to search; everywhere when None. The image itself may be of another split.
        image_id: the image's.
        k: how many; all there are if there are fewer.

    Raises:
        UsageError: the table has no such image.
        TableError: it has no others, or features that are no finite numbers.
    """
    everything = read_stored(table, None)
    place = everything.place_of(image_id)
    if place is None:
        raise UsageError(
            f"{table.uri} has no image {image_id!r}; ids are as the input named them, such as "
            f"{everything.rows['image_id'][0].as_py()!r}"
        )
    stored = everything if split is None else read_stored(table, split)
    itself = stored.place_of(image_id)
    require_others(stored, 0 if itself is None else 1)
    query = everything.vectors[place : place + 1]
    found = _found(stored, [image_id], query, k, itself)
    uris = everything.rows["uri"].take(pa.array([place]))
    return _report(table, stored, k, pa.table({"query": [image_id], "uri": uris}), found, ())


def of_images(
    table: FeatureTable, split: str | None, refs: list[ImageRef], weights: str | None, k: int
) -> NeighboursReport:
    """The nearest stored images of images from files, which go through the table's base.

    A file that the table holds too is found as its own first neighbour.

    Args:
        table: the table.
        split: where to search; everywhere when None.
        refs: the images.
        weights: of the base, as `--weights` takes them; ImageNet's when None.
        k: how many; all there are if there are fewer.

    Raises:
        WeightsError: the weights are not those of the table.
        TableError: the table has features that are no finite numbers.
    """
    stored = read_stored(table, split)
    engine = open_base(table.contract, weights, len(refs))
    used: list[ImageRef] = []
    found: list[pa.Table] = []
    unusable: list[Unusable] = []
    for batch in features_of(refs, engine, table.contract):
        unusable += [Unusable(each.ref.image_id, each.message) for each in batch.failures]
        pooled = pool(batch.features, table.feature_shape)
        sound = np.asarray(np.isfinite(pooled).all(axis=1), np.bool_)
        usable = [ref for ref, good in zip(batch.refs, sound, strict=True) if good]
        unusable += [
            Unusable(ref.image_id, "its features are no finite numbers")
            for ref, good in zip(batch.refs, sound, strict=True)
            if not good
        ]
        if usable:
            used += usable
            names = [ref.image_id for ref in usable]
            found.append(_found(stored, names, unit_rows(pooled[sound]), k, None))
    queries = pa.table(
        {
            "query": pa.array([ref.image_id for ref in used], pa.string()),
            "uri": pa.array([ref.uri for ref in used], pa.string()),
        }
    )
    empty = _found(stored, [], stored.vectors[:0], k, None)
    return _report(table, stored, k, queries, pa.concat_tables([empty, *found]), tuple(unusable))


def _found(
    stored: Stored, names: list[str], queries: Floats, k: int, itself: int | None
) -> pa.Table:
    """Rows query, rank, image_id, label, split, uri, cosine; `itself` is a place left out."""
    k = min(k, stored.rows.num_rows - (itself is not None))
    wanted = k + (itself is not None)
    ranks = np.arange(1, k + 1, dtype=np.int32)
    cosines, places = np.empty((0, k), np.float32), np.empty((0, k), np.int64)
    for start in range(0, len(names), BATCH):
        part = queries[start : start + BATCH]
        values, rows = nearest(blocks_of(stored.vectors), part, wanted)
        if itself is not None:
            # An equal image with an earlier id may stand before it, and then it may not be there.
            kept = rows != itself
            kept[:, -1] &= ~kept.all(axis=1)
            values, rows = values[kept].reshape(-1, k), rows[kept].reshape(-1, k)
        cosines, places = np.vstack([cosines, values]), np.vstack([places, rows])
    table = stored.rows.take(pa.array(places.reshape(-1)))
    named = pa.array(np.repeat(np.array(names, object), k), pa.string())
    table = table.add_column(0, "query", named)
    table = table.add_column(1, "rank", pa.array(np.tile(ranks, len(names))))
    return table.append_column("cosine", pa.array(cosines.reshape(-1)))


def _report(
    table: FeatureTable,
    stored: Stored,
    k: int,
    queries: pa.Table,
    rows: pa.Table,
    unusable: tuple[Unusable, ...],
) -> NeighboursReport:
    searched = stored.rows.num_rows
    return NeighboursReport(table.uri, table.version, searched, k, queries, rows, unusable)
