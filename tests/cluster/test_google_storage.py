"""Images and tables on a server of Google's kind: the same rows as on the local disk."""

import threading
from concurrent.futures import ThreadPoolExecutor

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError

import frozen_features as ff
from pipelines.driver import extract
from pipelines.images.listing import list_images
from pipelines.stores.clients import open_bucket
from pipelines.stores.places import parse_place
from pipelines.table.feature_table import FeatureTable
from tests.cluster.gcs_server import BUCKET, gcs_server
from tests.faults.commands import command, content, finish, start

pytestmark = pytest.mark.cluster

FEATURES = {"engine": "ncnn", "shard_rows": 8, "prune": True}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with (
        gcs_server(tmp_path_factory.mktemp("gcs")) as address,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        yield open_bucket(parse_place(f"gs://{BUCKET}"))


@pytest.fixture(scope="module")
def images(store, dataset) -> str:
    for path in dataset.rglob("*.png"):
        key = f"images/{path.relative_to(dataset).as_posix()}"
        obstore.put(store, key, path.read_bytes())
    return f"gs://{BUCKET}/images"


def test_the_server_keeps_conditional_puts(store):
    together = threading.Barrier(4)

    def create(key: str) -> bool:
        together.wait()
        try:
            obstore.put(store, key, b"mine", mode="create")
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        for number in range(10):
            assert sum(threads.map(create, [f"conditional/{number}"] * 4)) == 1


def test_tables_on_google_s_store(store, images, dataset, make_job, tmp_path):
    """A first run, one with nothing to do, and one that follows its input."""
    table = f"gs://{BUCKET}/tables/features"
    job = make_job(images, table, **FEATURES)
    extract(job)
    extract(make_job(dataset, tmp_path / "features", **FEATURES))
    expected = content(tmp_path / "features")
    assert content(table).equals(expected)
    assert FeatureTable.open(table).keys()["uri"][0].as_py().startswith(images)
    assert extract(job).counts["present"] == 88
    obstore.delete(store, "images/train/dark/dark000.png")
    report = extract(job)
    assert (report.version, report.counts["pruned"], report.counts["written"]) == (2, 1, 0)
    kept = [name != "train/dark/dark000.png" for name in expected["image_id"].to_pylist()]
    assert content(table).equals(expected.filter(kept))


def test_extractions_at_once_lose_and_double_nothing(store, images):
    table = f"gs://{BUCKET}/tables/at_once"
    runs = [start(command(images, table)) for _ in range(2)]
    ends = [(run.communicate()[1], run.returncode) for run in runs]
    assert [status for _, status in ends] == [0, 0], ends
    ids = FeatureTable.open(table).keys()["image_id"].to_pylist()
    assert sorted(ids) == [ref.image_id for ref in list_images(images)]
    finish(command(images, table))


def test_a_model_on_googles_store(store, images, make_job, tmp_path):
    """Trained into the bucket, promoted within it, and the same when it is read back."""
    table, place = f"gs://{BUCKET}/tables/of_models", f"gs://{BUCKET}/models"
    extract(make_job(images, table, **FEATURES))
    trained = ff.train(table, head="logistic", model=f"{place}/tried")
    assert trained.model == f"{place}/tried@1"
    done = ff.promote(trained.model, to=f"{place}/prod", conditions="better", table=table)
    assert done.after == f"{place}/prod@1"
    assert ff.load_model(f"{place}/prod").card.model_sha256 == trained.card.model_sha256
    again = ff.promote(trained.model, to=f"{place}/prod", conditions="better", table=table)
    assert not again.promoted
