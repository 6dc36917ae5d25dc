"""The columns of the feature table and the keys under which it keeps its contract."""

from collections.abc import Collection, Iterable
from typing import Protocol

import pyarrow as pa

from pipelines.bases import BASES
from pipelines.contract import Contract
from pipelines.records import labels_of

FEATURE_TYPE = pa.list_(pa.field("element", pa.float32(), nullable=False))

FEATURE_SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("copy", pa.int32(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("split", pa.string(), nullable=False),
        pa.field("features", FEATURE_TYPE, nullable=False),
        pa.field("uri", pa.string()),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("bytes", pa.int64()),
        pa.field("modified", pa.timestamp("us", tz="UTC")),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
    ]
)
"""One row an image and copy; `features` is the base's output flattened in C order."""

CLASSIFIED_SCHEMA = pa.schema(
    [
        *FEATURE_SCHEMA,
        pa.field("imagenet_class", pa.string()),
        pa.field("imagenet_label", pa.string()),
        pa.field("imagenet_probability", pa.float32()),
    ]
)
"""Where the features are the probabilities of ImageNet's classes: the likeliest class too."""

FAILURE_SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("uri", pa.string()),
        pa.field("label", pa.string()),
        pa.field("split", pa.string()),
        pa.field("bytes", pa.int64()),
        pa.field("modified", pa.timestamp("us", tz="UTC")),
        pa.field("sha256", pa.string()),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("error", pa.string(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
        pa.field("lasting", pa.bool_(), nullable=False),
        pa.field("run", pa.string(), nullable=False),
    ]
)
"""One row an image and run that could not use it."""

NONE_ADDED = pa.schema([])
"""What others have added to the columns of most tables."""

DATA_FOLDER = "data"
"""Where the Parquet files lie inside the table's folder, committed or not."""

LOG_FOLDER = "_delta_log"
"""Delta's own folder, inside that of any Delta table."""

PINS_FOLDER = "_pins"
"""Where models note the versions they were trained on; vacuum leaves underscore folders alone."""

FAILURES_FOLDER = "_failures"
"""The Delta table of failures inside the table's folder; vacuum leaves underscore folders alone."""

INDEX_FOLDER = "_neighbours"
"""Where the index of nearest neighbours is kept; vacuum leaves underscore folders alone."""

PAGES_FOLDER = "_reports"
"""Where the pages of a table are kept; vacuum leaves underscore folders alone."""

DRIFT_FOLDER = "_drift"
"""Where what runs found of drift is kept; vacuum leaves underscore folders alone."""

AGREEMENT_FOLDER = "_agreed"
"""Where a night without work is noted, so that the next one need not compare again; vacuum leaves
underscore folders alone."""

CONTRACT_KEY = "frozen_features.contract"
CONTRACT_ID_KEY = "frozen_features.contract_id"
SHAPE_KEY = "frozen_features.feature_shape"
AUGMENTATION_KEY = "frozen_features.augmentation"
"""Keys of the Delta table's configuration; the last one from the first copies on."""

RECEIPT_KEY = b"frozen_features.receipt"
"""Key of the receipt in a Parquet file's footer."""

RUN_KEY = "frozen_features"
"""Key of the run's record in a Delta commit."""


MARK = RUN_KEY.encode()
"""Key of a column's property that says that it is ours."""

GROUP = "group"
GROUP_FIELD = pa.field(GROUP, pa.string(), metadata={MARK: b"group"})
"""A column that a table has from the first image on that belongs to a group.

The mark tells it from a column of that name that somebody else added, also in a table's log.
"""

LABELS = "labels"
LABELS_FIELD = pa.field(
    LABELS,
    pa.list_(pa.field("element", pa.string(), nullable=False)),
    metadata={MARK: b"labels"},
)
"""A column that a table has from the first image on that may have several labels; its `label` is
null then. Marked as that of groups.
"""

WHAT_OPTIONAL = {GROUP: "groups", LABELS: "several labels an image"}
"""What the columns hold, for messages."""

OPTIONAL = (GROUP_FIELD, LABELS_FIELD)
"""Our columns that a table has from the first image on that needs them."""


class Placed(Protocol):
    """What says of an image what it is."""

    @property
    def label(self) -> str | None:
        """As in `ImageRef`."""

    @property
    def group(self) -> str | None:
        """As in `ImageRef`."""


def is_optional(field: pa.Field) -> bool:
    """Whether a column is one of `OPTIONAL`, and not somebody else's of that name."""
    ours = {each.name for each in OPTIONAL}
    return field.name in ours and field.metadata is not None and MARK in field.metadata


def optional_schema(names: Collection[str]) -> pa.Schema:
    """Those of `OPTIONAL` that are named, in their order."""
    return pa.schema([field for field in OPTIONAL if field.name in names])


def optional_names(placed: Iterable[Placed]) -> frozenset[str]:
    """Which of `OPTIONAL` images, or rows, need."""
    names = set[str]()
    for each in placed:
        if each.group is not None:
            names.add(GROUP)
        if labels_of(each.label) is not None:
            names.add(LABELS)
    return frozenset(names)


def feature_schema(contract: Contract) -> pa.Schema:
    """The columns of a table of that contract."""
    classifies = contract.top and contract.layer == BASES[contract.base].top_layer
    return CLASSIFIED_SCHEMA if classifies else FEATURE_SCHEMA


def with_added(contract: Contract, added: pa.Schema) -> pa.Schema:
    """The columns of a table of that contract, and after them those that others have added."""
    return pa.schema([*feature_schema(contract), *added])
