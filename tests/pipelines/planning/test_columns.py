"""Inputs as columns end where a plain loop over objects puts them."""

from collections.abc import Mapping

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.commits.books import tally
from pipelines.commits.contents import _of_all, _of_columns
from pipelines.commits.leakage import find_leakage
from pipelines.images.hashing import ContentHashes
from pipelines.images.inventory import Inventory
from pipelines.images.picked import Picked, every, picked, whole
from pipelines.planning import column_comparison
from pipelines.planning.column_comparison import compare_columns
from pipelines.planning.comparison import compare
from pipelines.planning.cutting import Sorted, cut_work, rows_of_part, sort_inputs
from pipelines.planning.run import Scene
from pipelines.planning.uncommitted import FinishedWork
from pipelines.records import ImageRef, Shard, storable
from pipelines.table.stored import stored_images

RUN = "20250101T000000000-00000000"
LATER = "20990101T000000000-11111111"
FILES = [f"data/{run}-000000-0000000{n}.parquet" for n, run in enumerate((RUN, LATER))]
BEGAN = 1_735_689_600_000_000
"""When `RUN` did."""

LABELS = st.sampled_from(["cat", "dog", None])
SPLITS = st.sampled_from(["train", "test"])
GROUPS = st.sampled_from([None, "g", "h"])
SHAS = st.sampled_from(["aa", "bb", "cc"])
URIS = st.sampled_from(
    [
        "/a",
        "/b\udcff",
        "parquet:/f.parquet#3+1:x",
        "parquet:/f%20g#2+1:x",
        "parquet:no row",
        "tar:/t#0+9:x",
    ]
)


@st.composite
def refs(draw: st.DrawFn) -> list[ImageRef]:
    return [
        ImageRef(
            image_id,
            draw(URIS),
            draw(LABELS),
            draw(SPLITS),
            *(draw(st.sampled_from([0, 5])), draw(st.sampled_from([0, 7]))),
            draw(st.sampled_from([0, 9, BEGAN])),
            group=draw(GROUPS),
        )
        for image_id in sorted(draw(st.sets(st.sampled_from("abcdefgh"), max_size=8)))
    ]


@st.composite
def tables(draw: st.DrawFn, inputs: list[ImageRef]) -> pa.Table:
    """Rows of inputs as they are, or as they were, and of images that are gone."""
    rows = []
    for ref in draw(st.lists(st.sampled_from(inputs), unique=True)) if inputs else ():
        was = draw(st.booleans())
        rows.append(
            {
                "image_id": ref.image_id,
                "label": draw(LABELS) if was else ref.label,
                "split": draw(SPLITS) if was else ref.split,
                "uri": storable(draw(URIS) if was else ref.uri),
                "bytes": draw(st.sampled_from([0, 5])) if was else ref.bytes,
                "modified": draw(st.sampled_from([0, 7])) if was else ref.modified,
                "group": draw(GROUPS) if was else ref.group,
            }
        )
    rows += [
        {**dict.fromkeys(("label", "group")), "image_id": name, "split": "train", "uri": "/a"}
        | {"bytes": 5, "modified": 7}
        for name in draw(st.sets(st.sampled_from("xyz")))
    ]
    for row in rows:
        row |= {"copy": 0, "sha256": draw(SHAS), "path": draw(st.sampled_from(FILES))}
    return pa.Table.from_pylist(rows, KEYS)


KEYS = pa.schema(
    {name: pa.string() for name in ("image_id", "label", "split", "uri", "sha256", "path", "group")}
    | {"copy": pa.int32(), "bytes": pa.int64(), "modified": pa.int64()}
)


def _hash(uri: str) -> str:
    if uri == "/a":
        raise OSError("gone")
    return "aa" if len(uri) % 2 else "bb"


@given(refs(), st.data(), st.sampled_from([None, RUN, LATER]))
def test_columns_are_compared_as_a_loop_compares_objects(
    inputs: list[ImageRef], data: st.DataObject, run: str | None
) -> None:
    keys = data.draw(tables(inputs))
    stored = stored_images(keys)
    plain = compare({ref.image_id: ref for ref in inputs}, stored, ContentHashes(_hash), run)
    found, rows = compare_columns(Inventory.of(inputs), keys, ContentHashes(_hash), run)
    for name in ("new", "same", "relabelled", "changed", "vanished", "stray"):
        assert set(getattr(found, name)) == set(getattr(plain, name)), name
    assert found.hashed == plain.hashed
    assert len(rows) == len(stored)
    assert dict(rows) == stored
    assert rows.of_files(FILES[:1]) == {n: r for n, r in stored.items() if r.path == FILES[0]}
    assert rows.of(["a", "x", "none"]) == {n: r for n, r in stored.items() if n in ("a", "x")}


def test_blocks_of_rows_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = [ImageRef(f"{n:02}", f"/{n}", "cat", "train", n, 7, 9) for n in range(20)]
    columns = ("image_id", "uri", "bytes")
    rows = [
        {"label": "cat", "split": "train", "sha256": "aa", "path": FILES[0], "group": None}
        | {"copy": 0, "modified": 7, **dict(zip(columns, (f"{n:02}", f"/{n}", n), strict=True))}
        for n in range(19, 1, -1)
    ]
    monkeypatch.setattr(column_comparison, "BLOCK", 4)
    keys = pa.concat_tables([pa.Table.from_pylist(part, KEYS) for part in (rows[:5], rows[5:])])
    found, _ = compare_columns(Inventory.of(inputs), keys, ContentHashes(_hash))
    assert set(found.same) == {f"{n:02}" for n in range(2, 20)}
    assert set(found.new) == {"00", "01"}
    assert found.hashed == 0


def test_a_row_that_is_there_twice_is_one_row_fewer_than_there_are() -> None:
    inputs = [ImageRef("a", "/a", "cat", "train", 5, 7, 9)]
    row = dict.fromkeys(KEYS.names) | {"image_id": "a", "copy": 0, "split": "train"}
    row |= {"uri": "/a", "bytes": 5, "modified": 7, "label": "cat", "sha256": "x", "path": FILES[0]}
    for twice in ([row, row], [row, {**row, "uri": "/b"}], [{**row, "image_id": "z"}] * 2):
        keys = pa.Table.from_pylist(twice, KEYS)
        _, rows = compare_columns(Inventory.of(inputs), keys, ContentHashes(lambda _: "x"))
        assert len(rows) == 1


@given(refs(), st.data())
def test_columns_are_sorted_and_cut_as_a_loop_does_it(
    inputs: list[ImageRef], data: st.DataObject
) -> None:
    names = st.frozensets(st.sampled_from("abcdefghz"))
    present, finished = data.draw(names), data.draw(names)
    sizes, times = st.sampled_from([0, 5]), st.sampled_from([0, 7])
    failed = data.draw(st.frozensets(st.tuples(st.sampled_from("abcdz"), sizes, times)))
    most = data.draw(st.integers(1, 5))
    plain = sort_inputs(inputs, present, finished, failed)
    found = sort_inputs(Inventory.of(inputs), present, finished, failed)
    assert isinstance(found.new, Picked)
    assert _as_tuples(found) == plain
    for part in (None, 3):
        assert rows_of_part(found.new, part) == rows_of_part(plain.new, part)
        assert _shards(cut_work(found.new, most, part)) == _shards(cut_work(plain.new, most, part))


def _as_tuples(found: Sorted) -> Sorted:
    parts = (found.new, found.present, found.finished, found.known_failures)
    return Sorted(*map(tuple, parts))


def _shards(parts: list[tuple[Shard, ...]]) -> list[list[tuple[str, str, list[ImageRef]]]]:
    return [[(each.name, each.split, list(each.refs)) for each in part] for part in parts]


@given(refs(), st.data())
def test_books_and_leakage_of_columns_are_those_of_objects(
    inputs: list[ImageRef], data: st.DataObject
) -> None:
    keys = data.draw(tables(inputs))
    images = Inventory.of(inputs)
    compared, rows = compare_columns(images, keys, ContentHashes(_hash))
    ids = [ref.image_id for ref in inputs]
    some = st.frozensets(st.sampled_from(ids)) if ids else st.just(frozenset[str]())
    gone = data.draw(some)
    work = {name: data.draw(SHAS) for name in sorted(data.draw(some))}
    finished = FinishedWork((), {}, work, {}, ())
    scene = Scene(None, images, keys, rows, compared, finished, 0)
    by_id: Mapping[str, ImageRef] = {ref.image_id: ref for ref in inputs}
    objects = Scene(None, by_id, keys, stored_images(keys), compared, finished, 0)
    assert find_leakage(_of_columns(scene, images, rows, gone)) == find_leakage(
        _of_all(objects, gone)
    )
    assert tally(every(images)) == tally(inputs)
    assert tally(picked(images, gone)) == tally(by_id[name] for name in gone)
    assert tally(whole(images)).total() == len(inputs)
