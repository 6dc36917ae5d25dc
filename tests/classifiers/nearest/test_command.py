"""neighbours as a user runs it, on a table of made-up features and on one of the tiny base."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pyarrow.parquet as pq
import pytest

import classifiers
from classifiers import neighbours
from classifiers.data.pooled import pool
from tests.classifiers.tables import write_table
from tests.conftest import write_image


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    folder = tmp_path_factory.mktemp("near") / "table"
    write_table(folder, {"train": 4, "test": 2}, ("a", "b"))
    return str(folder)


def by_a_loop(vectors, query, ids, k):
    """Ids and cosines of the k nearest, as anybody would write it."""
    cosines = [
        float(np.dot(v, query) / np.linalg.norm(v) / np.linalg.norm(query))
        for v in vectors.astype(float)
    ]
    best = sorted(range(len(ids)), key=lambda place: (-round(cosines[place], 6), ids[place]))[:k]
    return [ids[place] for place in best], [cosines[place] for place in best]


def test_an_image_of_the_table_has_the_neighbours_of_a_plain_loop(made_up, tmp_path, capsys):
    result, output = tmp_path / "result.json", tmp_path / "rows.parquet"
    features, labels, ids = classifiers.load(made_up, "train")
    query = ids[5]
    others = ids != query
    wanted, cosines = by_a_loop(features[others], features[5].astype(float), ids[others], 7)
    options = ["--split", "train", "--k", "7", "--json", str(result), "--output", str(output)]
    assert neighbours.main(["--table", made_up, "--id", query, *options]) == 0
    said = json.loads(result.read_text())
    assert [row["image_id"] for row in said["neighbours"]] == wanted
    assert [row["cosine"] for row in said["neighbours"]] == pytest.approx(cosines, abs=2e-6)
    assert [row["rank"] for row in said["neighbours"]] == list(range(1, 8))
    assert said["searched"] == 64
    label_of = dict(zip(ids, labels, strict=True))
    assert all(row["label"] == label_of[row["image_id"]] for row in said["neighbours"])
    assert all(row["uri"] == row["image_id"] for row in said["neighbours"])
    assert pq.read_table(output).to_pylist() == said["neighbours"]
    assert f"{wanted[0]}  a      train" in capsys.readouterr().out


def test_an_image_of_another_split_is_searched_for_in_a_split(made_up):
    *_, ids = classifiers.load(made_up, "test")
    import frozen_features as ff

    found = ff.neighbours(made_up, id=ids[0], split="train", k=100).rows.to_pylist()
    assert len(found) == 64
    assert {row["split"] for row in found} == {"train"}


def test_channels_are_pooled_over_the_map():
    maps = np.random.default_rng(0).normal(size=(3, 2, 5, 4)).astype(np.float32)
    wanted = [[maps[n, :, :, c].mean() for c in range(4)] for n in range(3)]
    assert pool(maps.reshape(3, -1), (2, 5, 4)) == pytest.approx(np.array(wanted), abs=1e-6)


def test_files_go_through_the_base_and_find_themselves(table, dataset, tmp_path, capsys):
    inputs, result, page = tmp_path / "in", tmp_path / "r.json", tmp_path / "p.html"
    for number in (0, 3):
        shutil.copy(
            dataset / "test" / "dark" / f"dark{number:03d}.png", inputs_in(inputs) / f"{number}.png"
        )
    (inputs / "broken.png").write_bytes(b"no picture")
    options = ["--weights", "random:1", "--k", "3", "--json", str(result), "--page", str(page)]
    assert neighbours.main(["--table", str(table), "--input", str(inputs), *options]) == 0
    said = json.loads(result.read_text())
    first = {row["query"]: row for row in said["neighbours"] if row["rank"] == 1}
    assert {name: row["image_id"] for name, row in first.items()} == {
        f"{n}.png": f"test/dark/dark{n:03d}.png" for n in (0, 3)
    }
    assert all(row["cosine"] == pytest.approx(1) for row in first.values())
    assert [each["query"] for each in said["unusable"]] == ["broken.png"]
    assert page.read_text().count("<img ") == 2 * 4
    assert "broken.png" in capsys.readouterr().out


def inputs_in(folder):
    folder.mkdir(exist_ok=True)
    return folder


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_a_page_runs_nothing_and_says_what_is_gone(tmp_path, capsys):
    import pyarrow as pa

    from classifiers.nearest.page import write_page
    from classifiers.nearest.report import NeighboursReport

    there = str(write_image(tmp_path / "there.png", 1))
    evil = '"><script>alert(1)</script>'
    queries = pa.table({"query": [evil], "uri": [there]})
    row = {"query": evil, "rank": 1, "image_id": evil, "label": evil, "split": evil}
    gone = {**row, "rank": 2, "uri": str(tmp_path / "gone.png"), "cosine": 0.25, "label": None}
    rows = pa.Table.from_pylist([{**row, "uri": there, "cosine": 0.5}, gone])
    write_page(NeighboursReport(evil, 3, 2, 2, queries, rows, ()), tmp_path / "p.html")
    tags = Tags()
    tags.feed((tmp_path / "p.html").read_text())
    names = [name for name, _ in tags.found]
    assert not {"script", "link", "iframe"} & set(names)
    metas = [a for t, a in tags.found if t == "meta"]
    (policy,) = [a["content"] for a in metas if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy
    sources = [a["src"] for t, a in tags.found if t == "img"]
    assert [source[:23] for source in sources] == 2 * ["data:image/jpeg;base64,"]
    assert names.count("figure") == 3
    assert {"no picture", evil} <= set(tags.text)
    assert "1 of 2 images are gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--id", "nobody.jpg"], 2, "has no image 'nobody.jpg'; ids are as the input named them"),
        (["--id", "a", "--weights", "random"], 2, "--weights has no meaning with --id"),
        (["--id", "a", "--k", "0"], 2, "'0' is not a whole number above 0"),
        (["--id", "a", "--page", "page.txt"], 2, "the page is HTML, name a file.html"),
        (["--id", "a", "--output", "rows.csv"], 2, "name a file.parquet"),
        (["--id", "test/a/000-00.jpg", "--split", "none"], 1, "none"),
        ([], 2, "one of the arguments --id --input is required"),
    ],
)
def test_mistakes_get_one_line(made_up, options, status, message, capsys):
    assert neighbours.main(["--table", made_up, *options]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_features_that_are_no_numbers_are_named(tmp_path, capsys, monkeypatch):
    from tests.classifiers import tables

    def with_a_nan(sources, features):
        features = features.copy()
        features[3] = np.nan
        return block(sources, features)

    block = tables.FeatureBlock
    monkeypatch.setattr(tables, "FeatureBlock", with_a_nan)
    tables.write_table(tmp_path / "t", {"train": 1}, ("a",))
    *_, ids = classifiers.load(str(tmp_path / "t"))
    assert neighbours.main(["--table", str(tmp_path / "t"), "--id", ids[0]]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"features of 1 rows .* are not finite: train/a/000-03\.jpg", line)
