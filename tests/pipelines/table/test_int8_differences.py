"""What commits say of a quantised base's difference from float32, told by `describe`."""

import json
import math

import pytest

from pipelines.records import Difference
from pipelines.table.change import Change, TableState
from pipelines.table.description import describe_table
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.int8_differences import difference_of
from tests.pipelines.table.test_costs import make_table

MEASURED = {"median": 0.049, "largest": 0.068, "images": 20}


def commit(table: FeatureTable, record: dict[str, object]) -> None:
    now = FeatureTable.open(table.uri)
    state = TableState(now.uri, now.version, now.contract, now.feature_shape, now.keys())
    commit_change(state, Change([], [], record))


def test_describe_shows_what_the_run_that_quantised_had_measured(tmp_path):
    table = make_table(tmp_path / "features", {"train": 1})
    before = describe_table(table.uri)
    assert before.as_json()["int8_difference"] is None
    assert "from float32" not in str(before)
    commit(table, {"run": "quantising", "int8_difference": MEASURED})
    commit(table, {"run": "the next night"})
    described = describe_table(table.uri)
    assert described.as_json()["int8_difference"] == MEASURED
    (line,) = [line for line in str(described).splitlines() if line.startswith("from float32")]
    assert line.split(None, 2)[2] == "4.9 % in the median and 6.8 % at most on 20 images"


def test_what_is_no_number_is_null_on_its_way():
    said = Difference(math.nan, math.inf, 3).as_json()
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert said == {"median": None, "largest": None, "images": 3}
    found = difference_of([{"run": {"int8_difference": said}}])
    assert math.isnan(found.median)
    assert (found.images, found.is_far) == (3, True)


@pytest.mark.parametrize(
    "foreign", ["near", {"median": "0.1", "largest": 0.2, "images": 3}, {"median": 0.1}, None, 7]
)
def test_what_others_write_is_passed_over(foreign):
    ours = {"run": {"int8_difference": MEASURED}}
    theirs = {"run": {"int8_difference": foreign}}
    assert difference_of([theirs, {"run": None}, ours]) == Difference(0.049, 0.068, 20)
    assert difference_of([theirs, {"run": None}]) is None
