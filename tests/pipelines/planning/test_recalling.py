"""A night that is recalled ends where one that is looked at ends, and no other is recalled."""

import json
import os
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.commits.agreeing import agreement_of, leakage_agreed
from pipelines.commits.contents import contents_of
from pipelines.commits.leakage import find_leakage
from pipelines.driver import extract
from pipelines.images.fingerprint import fingerprint
from pipelines.images.hashing import ContentHashes
from pipelines.images.inventory import Inventory
from pipelines.planning.column_comparison import compare_columns
from pipelines.planning.recalling import comparison_of
from pipelines.planning.run import Scene
from pipelines.planning.uncommitted import NO_WORK, FinishedWork
from pipelines.records import ImageRef
from pipelines.table.agreements import NAME, Agreement
from pipelines.table.erasure import forget
from pipelines.table.feature_table import FeatureTable
from pipelines.untrusted import value_from_json
from tests.conftest import write_image
from tests.pipelines.planning.test_columns import KEYS, LATER, RUN, _hash, refs, tables

KINDS = ("new", "same", "relabelled", "changed", "vanished", "stray")


@given(refs(), st.data())
def test_what_is_recalled_is_what_another_look_finds(
    inputs: list[ImageRef], data: st.DataObject
) -> None:
    images, keys = Inventory.of(inputs), data.draw(tables(inputs))
    table = SimpleNamespace(version=3, files=[])
    compared, stored = compare_columns(images, keys, ContentHashes(_hash))
    scene = Scene(table, images, keys, stored, compared, NO_WORK, 0)  # type: ignore[arg-type]
    leakage = find_leakage(contents_of(scene, frozenset()))
    kept = agreement_of(scene, table, leakage, fingerprint(images))  # type: ignore[arg-type]
    certain = not compared.hashed and not any(map(set, _changes(compared)))
    assert (kept is not None) == certain
    if kept is None:
        return
    again = value_from_json(json.dumps(asdict(kept)), Agreement)
    later = Inventory.of(inputs)
    recalled = comparison_of(later, again)
    other, _ = compare_columns(later, keys, ContentHashes(_hash), "20991231T000000000-22222222")
    for name in KINDS:
        assert set(getattr(recalled, name)) == set(getattr(other, name)), name
    assert recalled.hashed == other.hashed
    assert leakage_agreed(later, again) == leakage


@given(refs(), st.data(), st.integers(0, 3))
def test_what_a_commit_leaves_is_what_a_look_at_its_version_would(
    inputs: list[ImageRef], data: st.DataObject, entering: int
) -> None:
    """Of a run that wrote half of the rows itself, some committed before and some now."""
    images = Inventory.of(inputs)
    keys = data.draw(tables(inputs))
    known = [row for row in keys.to_pylist() if row["image_id"] in images]
    new = pa.Table.from_pylist(known[:entering], KEYS)
    held = pa.Table.from_pylist(known[entering:], KEYS)
    paths = sorted({row["path"] for row in known[:entering]})
    files = [
        SimpleNamespace(path=path, keys=new.filter(pc.equal(new["path"], path)).drop(["path"]))
        for path in paths
    ]
    rows = dict(zip(new["image_id"].to_pylist(), new["sha256"].to_pylist(), strict=True))
    work = FinishedWork(tuple(files), {}, rows, {}, ())  # type: ignore[arg-type]
    own = data.draw(st.sampled_from([RUN, LATER, "20991231T000000000-22222222"]))
    compared, stored = compare_columns(images, held, ContentHashes(_hash), own)
    scene = Scene(None, images, held, stored, compared, work, 0)
    table = SimpleNamespace(version=3, files=[])
    leakage = find_leakage(contents_of(scene, frozenset()))
    kept = agreement_of(scene, table, leakage, "")  # type: ignore[arg-type]
    merged = pa.concat_tables([held, new])
    after, stored = compare_columns(images, merged, ContentHashes(_hash))
    seen = Scene(None, images, merged, stored, after, NO_WORK, 0)
    leakage = find_leakage(contents_of(seen, frozenset()))
    looked = agreement_of(seen, table, leakage, "")  # type: ignore[arg-type]
    assert kept in (looked, None)
    if not compared.hashed and not any(_changes(compared)):
        assert kept == looked


def _changes(compared: object) -> list[frozenset[str]]:
    return [getattr(compared, name) for name in KINDS[2:]]


@given(refs(), refs())
def test_fingerprints_are_equal_where_inputs_are(
    inputs: list[ImageRef], others: list[ImageRef]
) -> None:
    same = fingerprint(Inventory.of(inputs)) == fingerprint(Inventory.of(others))
    assert same == (inputs == others)
    assert fingerprint(Inventory.of(inputs)) == fingerprint(Inventory.of(inputs))


@pytest.mark.parametrize(
    "change",
    [
        *({"image_id": "ax"}, {"uri": "/ax"}, {"uri": "/\udcff"}, {"label": None}),
        *({"label": "none"}, {"split": "test"}, {"group": "g"}, {"group": ""}, {"bytes": 6}),
        *({"modified": 8}, {"changed": 10}, {"label": "\udcff"}),
    ],
)
def test_whatever_an_input_says_tells_in_its_fingerprint(change: dict[str, object]) -> None:
    one = ImageRef("a", "/a", "cat", "train", 5, 7, 9)
    other = ImageRef("b", "/b", "dog", "train", 5, 7, 9)
    was = fingerprint(Inventory.of([one, other]))
    assert fingerprint(Inventory.of([replace(one, **change), other])) != was  # type: ignore[arg-type]


def test_where_an_id_ends_tells() -> None:
    one = [ImageRef("a", "/a", "x", "train", 5, 7, 9), ImageRef("bc", "/b", "x", "train", 5, 7, 9)]
    other = [replace(one[0], image_id="ab"), replace(one[1], image_id="c")]
    assert fingerprint(Inventory.of(one)) != fingerprint(Inventory.of(other))


def test_neither_blocks_nor_the_order_of_labels_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = [ImageRef(f"{n:02}", f"/{n}", f"{n % 3}", "train", n, n, n) for n in range(9)]
    inventory = Inventory.of(inputs)
    labels = inventory.labels
    turned = replace(labels, codes=2 - labels.codes, values=labels.values[::-1])
    other = replace(inventory, labels=turned, ids=inventory.ids, uris=inventory.uris)
    assert fingerprint(other) == fingerprint(inventory)
    monkeypatch.setattr("pipelines.images.fingerprint.BLOCK", 4)
    apart = fingerprint(inventory)
    start = Inventory.of([replace(inputs[0], image_id="zz"), *inputs])
    part = replace(start, **{name: getattr(start, name)[1:] for name in _ARRAYS})
    few = {
        name: replace(getattr(start, name), codes=getattr(start, name).codes[1:]) for name in _FEW
    }
    assert fingerprint(replace(part, **few)) == apart


_ARRAYS = ("ids", "uris", "sizes", "modified", "changed")
_FEW = ("labels", "splits", "groups")


@pytest.fixture(scope="module")
def first_night(dataset, make_job, tmp_path_factory):
    """A job whose table has all of its images but one, which is of no use and known as such."""
    where = tmp_path_factory.mktemp("recalling")
    images = Path(shutil.copytree(dataset, where / "images"))
    shutil.copy(images / "train/dark/dark000.png", images / "test/dark/copy.png")
    (images / "train/dark/broken.png").write_bytes(b"no image")
    shutil.copy(
        images / "train/dark/dark001.png", images / "train/dark" / os.fsdecode(b"caf\xe9.png")
    )
    time.sleep(1.1)  # a file of a run's own second may change again and not tell
    job = make_job(images, where / "features")
    report = extract(job)
    changed = sorted((path.stat().st_ctime, str(path)) for path in images.rglob("*.*"))
    assert Path(job.table, NAME).exists(), (report.run, changed[-3:], report.counts)
    return job


@pytest.fixture
def night(first_night, tmp_path):
    """The same job with a table of its own."""
    return replace(first_night, table=str(shutil.copytree(first_night.table, tmp_path / "table")))


def _told(report):
    return {**report.as_json(), **dict.fromkeys(("run", "seconds", "spent"))}


def _reads_no_keys(monkeypatch):
    def read(_):
        pytest.fail("the keys were read")

    monkeypatch.setattr(FeatureTable, "keys", read)


def test_a_night_after_a_commit_or_a_look_reads_no_keys_and_says_the_same(night, monkeypatch):
    left = Path(night.table, NAME).read_text()
    Path(night.table, NAME).unlink()
    looked = extract(night)
    assert Path(night.table, NAME).read_text() == left
    assert looked.counts["known_failures"] == 1
    assert looked.leakage.across_splits == (("test/dark/copy.png", "train/dark/dark000.png"),)
    with monkeypatch.context() as patched:
        _reads_no_keys(patched)
        recalled = extract(night)
    assert _told(recalled) == _told(looked)
    kept = Path(night.table, NAME).read_text()
    assert "broken" not in kept
    assert "dark" not in kept


@pytest.fixture
def new_image(night):
    """An image that the table lacks; gone afterwards, since all tests share the images."""
    image = Path(night.input, "train/dark/new.png")
    write_image(image, seed=5)
    yield image
    image.unlink(missing_ok=True)


def test_a_night_with_news_is_looked_at(night, new_image, monkeypatch):
    with monkeypatch.context() as patched:
        second = time.strftime("%Y%m%dT%H%M%S", time.gmtime(new_image.stat().st_ctime))
        patched.setattr("pipelines.planning.run.new_run_id", lambda: f"{second}999-0000beef")
        report = extract(night)
    assert report.run == f"{second}999-0000beef"
    assert report.counts["written"] == 1
    assert extract(night).counts["hashed"] == 1  # it was of the run's own second
    assert extract(night).counts["hashed"] == 1
    new_image.unlink()
    assert extract(night).counts["vanished"] == 1
    assert extract(night).counts["vanished"] == 1
    assert extract(replace(night, prune=True)).counts["pruned"] == 1


def test_known_failures_are_tried_again_where_that_is_wanted(night):
    extract(night)
    assert extract(replace(night, retry_failures=True)).counts["new_failures"] == 1
    assert extract(night).counts["known_failures"] == 1


def test_what_others_did_to_the_table_is_seen(night):
    gone = sorted(FeatureTable.open(night.table).keys()["image_id"].to_pylist())[0]
    forget(FeatureTable.open(night.table), frozenset({gone}))
    assert extract(night).counts["written"] == 1


@pytest.mark.parametrize("harm", ["garbage", "another version", "other files", "places", "none"])
def test_an_agreement_that_does_not_fit_is_not_believed(night, harm, monkeypatch):
    looked = extract(night)
    note = Path(night.table, NAME)
    kept = json.loads(note.read_text())
    harms = {
        "garbage": "{",
        "another version": json.dumps({**kept, "version": kept["version"] - 1}),
        "other files": json.dumps({**kept, "files": "0" * 64}),
        "places": json.dumps({**kept, "lacking": [10**6]}),
    }
    if harm == "none":
        note.unlink()
    else:
        note.write_text(harms[harm])
    with monkeypatch.context() as patched:
        _reads_no_keys(patched)
        with pytest.raises(pytest.fail.Exception, match="keys were read"):
            extract(night)
    assert _told(extract(night)) == _told(looked)
    assert json.loads(note.read_text()) == kept  # and kept anew


def test_a_data_file_that_is_gone_is_missed(night):
    extract(night)
    Path(night.table, FeatureTable.open(night.table).paths[0]).unlink()
    with pytest.raises(Exception, match=r"needs .* which is gone|missing or damaged"):
        extract(night)
