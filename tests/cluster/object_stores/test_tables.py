"""Images and tables on a real S3 server: the same rows as on the local disk."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import obstore
import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from pipelines.driver import extract
from pipelines.images.listing import list_images
from pipelines.planning.job import Destination
from pipelines.table.feature_table import FeatureTable
from pipelines.table.schema import AGREEMENT_FOLDER, DATA_FOLDER, LOG_FOLDER
from pipelines.table.storage import open_storage
from tests.cluster.object_stores.conftest import FEATURES
from tests.cluster.s3_server import BUCKET
from tests.conftest import TINY, write_image
from tests.faults.commands import content
from tests.pipelines.images.sources import FORMS

pytestmark = pytest.mark.cluster


def test_a_table_on_s3_equals_the_local_one(server, remote, uploaded, local, make_job):
    table = FeatureTable.open(remote)
    assert table.version == 1
    assert content(remote).equals(content(local))
    assert sorted(table.keys()["uri"].to_pylist()) == sorted(
        ref.uri for ref in list_images(uploaded)
    )
    folders = {key.split("/")[2] for key in server.keys("tables/features")}
    assert folders == {DATA_FOLDER, LOG_FOLDER, AGREEMENT_FOLDER}
    again = extract(make_job(uploaded, remote, **FEATURES))
    assert (again.version, again.counts["present"], again.counts["hashed"]) == (1, 88, 0)


def test_one_run_fills_tables_here_and_on_s3(uploaded, remote, make_job, place, tmp_path):
    averages = replace(TINY, layer="block4_pool", pooling="avg")
    also = (Destination(place, averages),)
    extract(make_job(uploaded, tmp_path / "features", also=also, **FEATURES))
    assert content(tmp_path / "features").equals(content(remote))
    own = tmp_path / "averages"
    extract(replace(make_job(uploaded, own, **FEATURES), features=averages))
    assert content(place).equals(content(own))


def test_a_nightly_increment(server, dataset, make_job, place, tmp_path):
    folder = shutil.copytree(dataset, tmp_path / "images")
    images, store = server.upload(folder, "increment"), server.bucket()
    job = make_job(images, place, prune=True, **FEATURES)
    extract(job)
    time.sleep(1.1)
    write_image(folder / "train/dark/new.png", 1)
    shutil.copy(folder / "train/light/light001.png", folder / "train/light/light000.png")
    (folder / "test/dark/dark003.png").unlink()
    for name in ("train/dark/new.png", "train/light/light000.png"):
        obstore.put(store, f"increment/{name}", (folder / name).read_bytes())
    obstore.delete(store, "increment/test/dark/dark003.png")
    report = extract(job)
    counts = {name: report.counts[name] for name in ("written", "replaced", "pruned", "present")}
    assert counts == {"written": 2, "replaced": 1, "pruned": 1, "present": 86}
    extract(make_job(folder, tmp_path / "features", **FEATURES))
    assert content(place).equals(content(tmp_path / "features"))


def test_manifests_name_images_on_s3(server, remote, uploaded, make_job, place, tmp_path):
    rows = ["path,id,label,split"]
    for ref in list_images(uploaded):
        shown = ref.uri if ref.label == "dark" else ref.image_id
        rows.append(f"{shown},{ref.image_id},{ref.label},{ref.split}")
    (tmp_path / "images.csv").write_text("\n".join(rows))
    obstore.put(server.bucket(), "images/images.csv", (tmp_path / "images.csv").read_bytes())
    try:
        by_local = list_images(str(tmp_path / "images.csv"), uploaded)
        by_remote = list_images(f"{uploaded}/images.csv")
        assert by_local == by_remote == list_images(uploaded)
        extract(make_job(tmp_path / "images.csv", place, input_root=uploaded, **FEATURES))
    finally:
        obstore.delete(server.bucket(), "images/images.csv")
    assert content(place).equals(content(remote))


@pytest.mark.parametrize("form", ["shards", "web dataset", "zip", "column", "arrow files"])
def test_packed_images_on_s3(server, remote, dataset, make_job, place, tmp_path, form):
    packed = tmp_path / "packed"
    packed.mkdir()
    local = Path(FORMS[form](dataset, packed)).relative_to(packed)
    uri = f"{server.upload(packed, place.rpartition('/')[2])}/{local}"
    job = make_job(uri, f"{place}-table", **FEATURES)
    extract(job)
    assert content(f"{place}-table").equals(content(remote))
    again = extract(job)
    assert (again.counts["present"], again.attempted) == (88, 0)


def test_everything_that_is_done_with_a_table(
    remote, uploaded, local, tmp_path, server, place, capsys
):
    from classifiers.evaluate import main as evaluate
    from classifiers.predict import main as predict
    from classifiers.report import main as report
    from classifiers.train import main as train
    from pipelines.describe import main as describe
    from pipelines.forget import main as forget
    from pipelines.tidy import main as tidy
    from pipelines.verify import main as verify

    prefix = place.removeprefix(f"s3://{BUCKET}/")
    for key in server.keys("tables/features"):
        copy = key.replace("tables/features", prefix)
        obstore.put(server.bucket(), copy, obstore.get(server.bucket(), key).bytes())
    scored = {}
    for name, table in (("remote", place), ("local", str(local))):
        model, scores = tmp_path / name, tmp_path / f"{name}.parquet"
        assert train(["--table", table, "--head", "logistic", "--model", str(model)]) == 0
        assert evaluate(["--table", table, "--model", str(model)]) == 0
        output = ["--model", str(model), "--output", str(scores)]
        assert predict(["--table", table, *output]) == 0
        scored[name] = pq.read_table(scores).sort_by("image_id")
    assert scored["remote"].equals(scored["local"])
    from_images = ["--input", uploaded, "--weights", "random:1"]
    seen = tmp_path / "seen.parquet"
    assert predict([*from_images, "--model", str(tmp_path / "remote"), "--output", str(seen)]) == 0
    wanted = scored["remote"]["predicted"].to_pylist()
    assert pq.read_table(seen).sort_by("image_id")["predicted"].to_pylist() == wanted

    assert report(["--table", place, "--images", "4"]) == 0
    assert server.keys(f"{prefix}/_reports") == [f"{prefix}/_reports/report-1.html"]
    capsys.readouterr()
    assert describe(["--table", place]) == 0
    assert f"page of version 1: {place}/_reports/report-1.html\n" in capsys.readouterr().out
    check = ["--table", place, "--weights", "random:1", "--sample", "8"]
    assert verify([*check, "--input", uploaded]) == 0
    assert tidy(["--table", place, "--retention_days", "0", "--release_models"]) == 0
    assert len(FeatureTable.open(place).paths) == 3
    left = [key for key in server.keys(f"{prefix}/data") if key.endswith(".parquet")]
    assert len(left) == 3
    assert content(place).equals(content(local))
    assert verify([*check]) == 0
    assert forget(["--table", place, "--image_id", "train/dark/dark000.png"]) == 0
    rest = content(local).filter(np.array(content(local)["image_id"]) != "train/dark/dark000.png")
    assert content(place).equals(rest)
    assert not [key for key in server.keys(f"{prefix}/_reports") if key.endswith(".html")]


def test_other_tools_read_it(server, remote, local):
    import duckdb

    expected = content(local)
    vectors = np.stack(expected["features"].to_numpy())
    options = {**server.environment, "aws_allow_http": "true"}
    frame = pl.read_delta(remote, storage_options=options).sort("image_id")
    np.testing.assert_array_equal(np.stack(frame["features"].to_list()), vectors)
    dataset = DeltaTable(remote).to_pyarrow_dataset(filesystem=open_storage(remote))  # noqa: F841
    rows = duckdb.sql("select image_id, features from dataset order by image_id").fetchall()
    assert [row[0] for row in rows] == expected["image_id"].to_pylist()
    np.testing.assert_array_equal(np.array([row[1] for row in rows], np.float32), vectors)
