"""Extraction of a manifest of URLs, from a server on loopback with bad days."""

import csv
from pathlib import Path

import pytest

from pipelines.driver import extract
from pipelines.extract import main
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images
from pipelines.stores import web
from pipelines.stores.silent_hosts import SilentHosts
from pipelines.stores.web import Patience
from pipelines.stores.web_addresses import ALLOW_PRIVATE
from pipelines.table.feature_table import FeatureTable
from tests.web_server import serving

QUICK = Patience(connect=1.0, silence=0.5, attempt=1.0, all=2.0, attempts=2, pause=0.01)


@pytest.fixture
def server(dataset, monkeypatch):
    monkeypatch.delenv(ALLOW_PRIVATE, raising=False)
    monkeypatch.setattr(web, "PATIENCE", QUICK)
    monkeypatch.setattr(web, "_silent_hosts", SilentHosts())
    images = {ref.image_id: Path(ref.uri).read_bytes() for ref in list_images(str(dataset))}
    with serving(images) as running:
        yield running


def manifest_of(server, place, bad=()):
    rows = [
        {"path": f"{server.url}/{name}", "id": name, "split": name.split("/")[0]}
        | {"label": name.split("/")[1]}
        for name in server.images
    ]
    rows += [
        {"path": f"{server.url}/{path}", "id": f"bad{number}", "split": "train", "label": "dark"}
        for number, path in enumerate(bad)
    ]
    with place.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return place


def rows_of(table):
    rows = FeatureTable.open(str(table)).dataset().to_table().sort_by("image_id")
    return rows.drop_columns(["uri", "modified"])


@pytest.mark.acceptance
def test_the_table_is_that_of_the_folder_and_bad_urls_cost_themselves(
    server, table, make_job, tmp_path
):
    name = next(iter(server.images))
    bad = [f"stall/{name}", f"html/{name}", "gone.png", f"short/{name}"]
    where = manifest_of(server, tmp_path / "m.csv", bad)
    job = make_job(where, tmp_path / "features", layout=Layout(private_hosts=True), shard_rows=16)
    report = extract(job)
    assert report.attempted == 92
    assert {failure.ref.image_id for failure in report.failures} == {f"bad{n}" for n in range(4)}
    assert rows_of(job.table).equals(rows_of(table))
    again = extract(job)
    # What may pass is tried again; what is there is hashed, and not extracted.
    assert (again.attempted, len(again.failures)) == (4, 4)
    server.images[name] = server.images[next(reversed(server.images))]
    assert len(rows_of(job.table)) == 88
    assert extract(job).counts["replaced"] == 1


def test_a_private_host_is_refused_before_the_base_is_loaded(server, tmp_path, capsys):
    where = manifest_of(server, tmp_path / "m.csv")
    options = ["--input", str(where), "--table", str(tmp_path / "t"), "--weights", "random"]
    assert main([*options, "--image_size", "32"]) == 1
    assert "--allow_private_hosts asks it" in capsys.readouterr().err
    assert not server.asked
