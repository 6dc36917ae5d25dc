"""Images and tables on a real S3 server: the same rows as on the local disk, whatever happens."""

import functools
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import obstore
import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from obstore.exceptions import AlreadyExistsError

from pipelines.decode import pixel_spec
from pipelines.driver import extract
from pipelines.loading import load_image
from pipelines.source import list_images
from pipelines.stores import clients
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter
from pipelines.table.gate import Change, TableMovedError, TableState, commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.storage import open_storage
from tests.cluster.s3_server import BUCKET, S3Server, free_port, s3_server
from tests.conftest import write_dataset, write_image
from tests.faults.commands import command, content, finish, start
from tests.pipelines.test_contract import CONTRACT
from tests.pipelines.test_table_files import SHAPE, block, receipt, write

pytestmark = pytest.mark.cluster

FEATURES = {"engine": "keras", "shard_rows": 8}
"""One engine, so that two tables can be equal to the bit."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with (
        s3_server(tmp_path_factory.mktemp("s3")) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="module")
def uploaded(server: S3Server, dataset: Path) -> str:
    """The dataset's 88 images, old enough for their times to say that they are unchanged."""
    uri = server.upload(dataset, "images")
    time.sleep(1.1)
    return uri


@pytest.fixture(scope="module")
def local(dataset, make_job, tmp_path_factory) -> Path:
    table = tmp_path_factory.mktemp("local") / "features"
    extract(make_job(dataset, table, **FEATURES))
    return table


@pytest.fixture(scope="module")
def remote(server, uploaded, make_job) -> str:
    """The same table on the server; tests must not change it."""
    table = f"s3://{BUCKET}/tables/features"
    extract(make_job(uploaded, table, **FEATURES))
    return table


@pytest.fixture
def place(server, request) -> str:
    """A prefix of the test's own."""
    return f"s3://{BUCKET}/{request.node.name.partition('[')[0]}"


def test_the_server_keeps_conditional_puts(server):
    """Without this the tests of concurrent commits would prove nothing."""
    store, together = server.bucket(), threading.Barrier(4)

    def create(key: str) -> bool:
        together.wait()
        try:
            obstore.put(store, key, b"mine", mode="create")
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        for number in range(25):
            assert sum(threads.map(create, [f"conditional/{number}"] * 4)) == 1


def test_a_table_on_s3_equals_the_local_one(server, remote, uploaded, local, make_job):
    table = FeatureTable.open(remote)
    assert table.version == 1
    assert content(remote).equals(content(local))
    assert sorted(table.uris()) == sorted(ref.uri for ref in list_images(uploaded))
    folders = {key.split("/")[2] for key in server.keys("tables/features")}
    assert folders == {"data", "_delta_log"}
    again = extract(make_job(uploaded, remote, **FEATURES))
    assert (again.version, again.counts["present"], again.counts["hashed"]) == (1, 88, 0)


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


def test_of_two_commits_on_one_version_one_goes_through(server, place):
    """The first of them create the table."""
    storage, together = open_storage(place), threading.Barrier(2)

    def prepare(number: int):
        write(storage, f"data/{number}.parquet", [block(number, 1)], receipt(1))
        return inspect_file(storage, f"data/{number}.parquet")

    def commit(state: TableState, file) -> int | None:
        together.wait()
        try:
            return commit_change(state, Change([file], [], {}))
        except TableMovedError:
            return None

    files = [prepare(number) for number in range(20)]
    for number in range(10):
        table = FeatureTable.open_if_exists(place)
        version, keys = (None, EMPTY_KEYS) if table is None else (table.version, table.keys())
        state = TableState(place, version, CONTRACT, SHAPE, keys)
        with ThreadPoolExecutor(2) as threads:
            pair = files[2 * number : 2 * number + 2]
            versions = list(threads.map(commit, [state] * 2, pair))
        assert sorted(versions, key=str) == [number + 1, None]
    assert FeatureTable.open(place).keys().num_rows == 10


def test_extractions_at_once_lose_and_double_nothing(server, dataset, local, place):
    """Three runs over the same images and one table; each finds what the others did."""
    images = server.upload(dataset, "at_once")
    runs = [start(command(images, place)) for _ in range(3)]
    ends = [(run.communicate()[1], run.returncode) for run in runs]
    assert [status for _, status in ends] == [0, 0, 0], ends
    assert content(place).equals(content(local))


def test_runs_over_other_images_at_once_give_the_union(server, dataset, place, make_job):
    prefixes = [f"union_{label}" for label in ("dark", "light")]
    for prefix, label in zip(prefixes, ("dark", "light"), strict=True):
        server.upload(dataset / "train" / label, f"{prefix}/{label}")
    runs = [start(command(f"s3://{BUCKET}/{prefix}", place)) for prefix in prefixes]
    ends = [(run.communicate()[1], run.returncode) for run in runs]
    assert [status for _, status in ends] == [0, 0], ends
    rows = FeatureTable.open(place).keys()["image_id"].to_pylist()
    names = [f"{label}/{label}{i:03d}.png" for label in ("dark", "light") for i in range(24)]
    assert sorted(rows) == names


def test_a_file_shows_when_it_is_whole_and_never_else(server, place):
    storage, prefix = open_storage(place), place.removeprefix(f"s3://{BUCKET}/")
    with FeatureFileWriter(storage, "data/dropped.parquet", CONTRACT) as writer:
        writer.write(block(0, 3))
    large = storage.open_output_stream("data/large.parquet")  # several parts
    large.write(bytes(25_000_000))
    assert not [key for key in server.keys(prefix) if key.endswith(".parquet")]
    large.close()
    assert [key for key in server.keys(prefix) if key.endswith(".parquet")] == [
        f"{prefix}/data/large.parquet"
    ]
    assert storage.get_file_info("data/large.parquet").size == 25_000_000


def test_a_killed_run_goes_on(server, place, make_job, tmp_path):
    folder = write_dataset(tmp_path / "images", {"train": 40, "test": 40}, ("dark", "light"))
    images, data = server.upload(folder, "killed"), place.removeprefix(f"s3://{BUCKET}/")
    run = start(command(images, place))
    while run.poll() is None and len(server.keys(f"{data}/data")) < 3:
        time.sleep(0.01)
    run.kill()
    run.communicate()
    assert run.returncode == -9
    finished = len(server.keys(f"{data}/data"))
    assert 3 <= finished < 20
    said = finish(command(images, place)).stderr
    assert " finished by an earlier run" in said
    extract(make_job(folder, tmp_path / "features", **FEATURES))
    assert content(place).equals(content(tmp_path / "features"))


def test_a_store_that_goes_away_ends_the_run_and_costs_nothing(
    dataset, local, tmp_path, monkeypatch
):
    port, table = free_port(), f"s3://{BUCKET}/features"
    with s3_server(tmp_path / "s3", port) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        images = server.upload(dataset, "images")
        run = start(command(images, table))
        while run.poll() is None and len(server.keys("features/data")) < 2:
            time.sleep(0.01)
        assert run.poll() is None
    gone = time.monotonic()
    said = run.communicate()[1]
    assert run.returncode == 1, said
    assert time.monotonic() - gone < 100
    assert "error: " in said.splitlines()[-1]
    assert "Traceback" not in said
    with s3_server(tmp_path / "s3", port):
        assert " finished by an earlier run" in finish(command(images, table)).stderr
        assert content(table).equals(content(local))


def test_everything_that_is_done_with_a_table(remote, uploaded, local, tmp_path, server, place):
    from classifiers.evaluate import main as evaluate
    from classifiers.predict import main as predict
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

    assert describe(["--table", place]) == 0
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


def test_images_that_fail_cost_themselves(server, dataset, make_job, place):
    images, store = server.upload(dataset, "failing"), server.bucket()
    obstore.put(store, "failing/train/dark/torn.png", b"\x89PNG\r\n and no more")
    obstore.put(store, "failing/train/dark/gone.png", b"x")
    refs = {ref.image_id: ref for ref in list_images(images)}
    obstore.delete(store, "failing/train/dark/gone.png")
    gone = load_image(refs["train/dark/gone.png"], pixel_spec(CONTRACT))
    assert (gone.stage, gone.error, gone.lasting) == ("read", "FileNotFoundError", False)
    assert "NoSuchKey" in gone.message
    report = extract(make_job(images, place, **FEATURES))
    assert (report.counts["written"], report.counts["new_failures"]) == (88, 1)
    (row,) = read_failures(place).to_pylist()
    assert (row["image_id"], row["stage"], row["lasting"]) == (
        "train/dark/torn.png",
        "decode",
        True,
    )
    again = extract(make_job(images, place, **FEATURES))
    assert (again.counts["known_failures"], again.counts["new_failures"]) == (1, 0)


@pytest.mark.parametrize(
    ("images", "table", "environment", "status", "said"),
    [
        ("images", "new", {"AWS_SECRET_ACCESS_KEY": "wrong"}, 2, "check AWS_ACCESS_KEY_ID and"),
        (None, "new", {"AWS_SECRET_ACCESS_KEY": "wrong"}, 1, "check AWS_ACCESS_KEY_ID and"),
        ("../elsewhere/images", "new", {}, 2, "NoSuchBucket"),
        (None, "../elsewhere/new", {}, 1, "NoSuchBucket"),
        ("nothing/here", "new", {}, 2, "no images in"),
        ("nothing.csv", "new", {}, 2, "no images in"),
        (None, "images", {}, 1, "is a folder of other things"),
        ("images", "new", {"AWS_ALLOW_HTTP": "false"}, 2, "set AWS_ALLOW_HTTP=true"),
        ("images", "new", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "no answer"),
        (None, "new", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "no answer"),
    ],
)
def test_mistakes_get_one_line(
    server, uploaded, dataset, images, table, environment, status, said, monkeypatch, capfd
):
    from pipelines.extract import main

    def uri(path: str) -> str:
        bucket = "elsewhere" if path.startswith("../") else BUCKET
        return f"s3://{bucket}/{path.removeprefix('../elsewhere/')}"

    before = server.keys("")
    # A process has its clients once, with the credentials that it started with.
    for kept in (clients._bucket, clients._filesystem):
        monkeypatch.setattr(clients, kept.__name__, functools.cache(kept.__wrapped__))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    source = str(dataset) if images is None else uri(images)
    began = time.monotonic()
    tiny = ["--weights", "random:1", "--image_size", "32"]
    assert main(["--input", source, "--table", uri(table), *tiny]) == status
    assert time.monotonic() - began < 40
    printed = capfd.readouterr()
    assert said in printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert server.keys("") == before


def test_other_tools_read_it(server, remote, local):
    expected = content(local)
    vectors = np.stack(expected["features"].to_numpy())
    options = {**server.environment, "aws_allow_http": "true"}
    frame = pl.read_delta(remote, storage_options=options).sort("image_id")
    np.testing.assert_array_equal(np.stack(frame["features"].to_list()), vectors)
    dataset = DeltaTable(remote).to_pyarrow_dataset(filesystem=open_storage(remote))  # noqa: F841
    rows = duckdb.sql("select image_id, features from dataset order by image_id").fetchall()
    assert [row[0] for row in rows] == expected["image_id"].to_pylist()
    np.testing.assert_array_equal(np.array([row[1] for row in rows], np.float32), vectors)
