"""neighbours as a user runs it, on a table of made-up features and on one of the tiny base."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pyarrow.parquet as pq
import pytest

import classifiers
import frozen_features as ff
from classifiers import neighbours
from classifiers.data.pooled import pool
from tests.classifiers import tables
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
    places = {each: each for each in (there, str(tmp_path / "gone.png"))}
    write_page(NeighboursReport(evil, 3, 2, 2, queries, rows, ()), tmp_path / "p.html", places)
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
    assert "1 of 2 pictures cannot be shown" in capsys.readouterr().err


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


def test_vectors_that_do_not_fit_give_the_same(made_up, capsys):
    name = classifiers.load(made_up).ids[40]
    small = ff.neighbours(made_up, id=name, memory="1K")
    assert small.rows.equals(ff.neighbours(made_up, id=name).rows)
    assert "are more than 1 kB (--memory 1K) and lie in a temporary file" in capsys.readouterr().err


def test_pictures_are_opened_only_where_they_may_be(table, dataset, tmp_path, monkeypatch, capsys):
    def pictures(*options):
        page = tmp_path / "p.html"
        given = ["--id", "test/dark/dark000.png", "--k", "2", "--overwrite", "--page", str(page)]
        assert neighbours.main(["--table", str(table), *given, *options]) == 0
        return page.read_text().count("<img ")

    assert pictures() == 3
    # Of another user's extraction nobody knows which folder was meant.
    monkeypatch.setenv("FROZEN_FEATURES_CACHE_KEY", str(tmp_path / "other" / "key"))
    assert pictures() == 0
    assert "3 may not be opened, unless --allow_uri names" in capsys.readouterr().err
    assert pictures("--allow_uri", str(dataset / "train")) == 0
    assert pictures("--allow_uri", str(dataset)) == 3


def altered_table(folder, monkeypatch, change, files=1):
    """A table whose features are what `change` makes of a file's."""
    block = tables.FeatureBlock
    with monkeypatch.context() as patch:
        patch.setattr(tables, "FeatureBlock", lambda sources, x: block(sources, change(x.copy())))
        tables.write_table(folder, {"train": files}, ("a",))
    return str(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x * 0 + 1, "the features of all 16 images of .* are the same, so that none"),
        (
            lambda x: np.where(np.arange(16)[:, None] == 0, 0, x),
            "features are all zero, so that no",
        ),
        (
            lambda x: np.where(np.arange(16)[:, None] == 3, np.nan, x),
            "features of 1 rows of .* are",
        ),
        (lambda x: np.where(np.arange(16)[:, None] == 3, np.inf, x), r"not finite: .*000-03\.jpg"),
    ],
)
def test_features_of_no_use_get_one_line(tmp_path, monkeypatch, capsys, change, message):
    table = altered_table(tmp_path / "t", monkeypatch, lambda x: change(x).astype(np.float32))
    assert neighbours.main(["--table", table, "--id", "train/a/000-00.jpg"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line)


def test_of_equal_images_the_first_comes_first_and_none_is_its_own(tmp_path, monkeypatch):
    """Fifteen equal images and another: the one asked for may be the last of equal ones."""

    def change(x):
        x[1:] = x[1]
        return x

    table = altered_table(tmp_path / "t", monkeypatch, change)
    ids = list(classifiers.load(table).ids)
    for place in (1, 8, 15):
        found = ff.neighbours(table, id=ids[place], k=3).rows["image_id"].to_pylist()
        assert found == [name for name in ids[1:] if name != ids[place]][:3]
    assert ff.neighbours(table, id=ids[1], k=100).rows.num_rows == 15


def test_one_image_has_no_neighbours(tmp_path, capsys):
    made = tables.write_table(tmp_path / "t", {"train": 1}, ("a",))
    values = np.ones((1, tables.LENGTH), np.float32)
    tables.add_file(made, "only", "test", values)
    given = ["--table", made.uri, "--id", "test/only/000.jpg"]
    assert neighbours.main([*given, "--split", "test"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("test/only/000.jpg is the only image there; its neighbours need others")
    assert neighbours.main(given) == 0
