import numpy as np

import classifiers
from benchmarks.formats import read_parquet, write_parquet, write_project_file
from benchmarks.plain_arrays import load_splits, save_splits
from pipelines.table.feature_table import FeatureTable
from pipelines.table.receipts import read_receipt
from pipelines.table.storage import open_storage


def test_both_formats_give_the_features_back(table, tmp_path):
    samples = classifiers.load(str(table), split="train")
    contract = FeatureTable.open(str(table)).contract
    write_parquet(tmp_path / "plain.parquet", samples.features)
    write_project_file(tmp_path / "ours.parquet", samples, contract)
    for name in ("plain.parquet", "ours.parquet"):
        assert np.array_equal(read_parquet([tmp_path / name]), samples.features)
    receipt = read_receipt(open_storage(str(tmp_path)), "ours.parquet")
    assert receipt is not None
    assert receipt.rows == len(samples.features)


def test_files_are_read_into_one_array(tmp_path):
    features = np.arange(12, dtype=np.float32).reshape(6, 2)
    write_parquet(tmp_path / "a.parquet", features[:4])
    write_parquet(tmp_path / "b.parquet", features[4:])
    assert np.array_equal(read_parquet([tmp_path / "a.parquet", tmp_path / "b.parquet"]), features)


def test_plain_arrays_hold_the_table_s_splits(table, tmp_path):
    assert save_splits(table, tmp_path / "arrays") == (48, 512)
    (x, y), (held_out, _) = load_splits(tmp_path / "arrays")
    samples = classifiers.load(str(table), split="train")
    assert np.array_equal(x, samples.features)
    assert [("dark", "light")[k] for k in y] == list(samples.labels)
    assert held_out.shape == (20, 512)
