"""How far a table's quantised base is from float32, as the record of a commit says."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from pipelines.records import Difference
from pipelines.untrusted import value_from_json


class _Measured(TypedDict):
    """Of a record, which another program may have written; as `Difference.as_json` gives it."""

    median: float | None
    largest: float | None
    images: int


def difference_of(history: Iterable[Mapping[str, Any]]) -> Difference | None:
    """What the newest commit that says it has measured; None where none does.

    Args:
        history: commits, as `FeatureTable.history` gives them.
    """
    found = (_measured(commit["run"] or {}) for commit in history)
    return next((each for each in found if each is not None), None)


def _measured(record: Mapping[str, Any]) -> Difference | None:
    try:
        said = value_from_json(json.dumps(record.get("int8_difference")), _Measured)
    except ValueError:
        return None
    median, largest = (
        math.nan if value is None else value for value in (said["median"], said["largest"])
    )
    return Difference(median, largest, said["images"])
