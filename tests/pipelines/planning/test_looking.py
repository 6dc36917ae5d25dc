"""What a run sees, and when it looks again."""

import shutil

import pyarrow as pa

from pipelines.images.inventory import Inventory
from pipelines.planning.preparing import prepare_run
from pipelines.table.erasure import forget
from pipelines.table.feature_table import FeatureTable


def test_a_run_without_work_looks_at_a_version_once(dataset, table, make_job, tmp_path):
    copy = shutil.copytree(table, tmp_path / "features")
    run = prepare_run(make_job(dataset, copy))
    seen = run.look()
    assert isinstance(seen.inputs, Inventory)
    assert set(seen.comparison.same) == set(run.images)
    assert not seen.comparison.new
    assert run.look() is seen
    gone = sorted(run.images)[0]
    forget(FeatureTable.open(str(copy)), frozenset({gone}))
    again = run.look()
    assert set(again.comparison.new) == {gone}
    assert len(again.comparison.same) == len(run.images) - 1
    assert run.look() is not again  # there is work, which a file may hold by then


def test_keys_name_each_file_once_and_say_what_the_rows_say(table):
    opened = FeatureTable.open(str(table))
    keys = opened.keys()
    rows = opened.dataset().to_table(columns=["image_id", "__filename"])
    assert pa.types.is_dictionary(keys.schema.field("path").type)
    said = dict(zip(keys["image_id"].to_pylist(), keys["path"].to_pylist(), strict=True))
    plain = zip(rows["image_id"].to_pylist(), rows["__filename"].to_pylist(), strict=True)
    assert said == dict(plain)
    assert set(said.values()) == set(opened.paths)
