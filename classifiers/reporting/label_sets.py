"""Images of several labels, on a page that shows each under one: the set of its own."""

from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.data.row_groups import SplitRows
from pipelines.table.schema import LABELS

MOST_SETS = 30
"""Sets of labels that are told apart, the most frequent ones."""

OTHER = "other sets of labels"

NOTE = (
    "images have several labels: the map and the counts go by their sets of labels, and the "
    "table's record counts each label"
)


def with_label_sets(rows: SplitRows) -> SplitRows:
    """Rows whose `label` is all labels of an image, where it has several: "cat, indoors".

    Args:
        rows: of images, without their copies.

    Raises:
        TableError: the table cannot be read.
    """
    table = rows.table
    if LABELS not in table.optional:
        return rows
    with table.reading():
        read = table.dataset().to_table(columns=["image_id", "copy", LABELS])
    read = read.filter(pc.and_(pc.equal(read["copy"], 0), pc.is_valid(read[LABELS])))
    sets = [", ".join(sorted(labels)) or None for labels in read.column(LABELS).to_pylist()]
    counted = Counter(each for each in sets if each is not None)
    ranked = sorted(counted, key=lambda each: (-counted[each], each))
    kept = {each: each for each in ranked[:MOST_SETS]}
    set_of = dict(zip(read.column("image_id").to_pylist(), sets, strict=True))
    labels = []
    keys = [rows.keys.column(name).to_pylist() for name in ("image_id", "label")]
    for image_id, label in zip(*keys, strict=True):
        found = set_of.get(image_id)
        labels.append(label if found is None else kept.get(found, OTHER))
    place = rows.keys.schema.get_field_index("label")
    field = rows.keys.schema.field(place)
    column = pa.array(labels, pa.string()).cast(field.type)
    return replace(rows, keys=rows.keys.set_column(place, field, column))
