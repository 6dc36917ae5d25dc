"""Runs that meet on a store, are killed, or lose it: no row lost or doubled; mistakes of a line."""

import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError

from pipelines.driver import extract
from pipelines.images.decode import pixel_spec
from pipelines.images.listing import list_images
from pipelines.images.loading import load_image
from pipelines.stores import clients
from pipelines.table.change import Change, TableMovedError, TableState
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.storage import open_storage
from tests.cluster.object_stores.conftest import FEATURES
from tests.cluster.s3_server import BUCKET, free_port, s3_server
from tests.conftest import write_dataset
from tests.faults.commands import command, content, finish, start
from tests.pipelines.table.test_files import SHAPE, block, receipt, write
from tests.pipelines.test_contract import CONTRACT

pytestmark = pytest.mark.cluster


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
