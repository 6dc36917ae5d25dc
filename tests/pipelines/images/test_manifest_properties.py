"""Any label, split, id and path that can be written is read back as it was."""

import csv
import json

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from pipelines.images.listing import list_images
from pipelines.images.splits import split_named, split_of

characters = st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r")
texts = st.text(characters, min_size=1, max_size=12)
names = st.text(characters.filter(lambda c: c != "/"), min_size=1, max_size=12)
paths = names.filter(lambda name: name not in (".", "..")).map(lambda name: f"images/{name}.png")
rows = st.lists(
    st.tuples(paths, texts, st.none() | texts, st.none() | texts),
    min_size=1,
    max_size=8,
    unique_by=(lambda row: row[0], lambda row: row[1]),
)
COLUMNS = ("path", "id", "label", "split")


def write(folder, kind, given_rows):
    manifest = folder / f"m.{kind}"
    if kind == "csv":
        with manifest.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([["" if v is None else v for v in row] for row in given_rows])
    elif kind == "jsonl":
        lines = [json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in given_rows]
        manifest.write_text("\n".join(lines), encoding="utf-8")
    else:
        columns = [pa.array(values, pa.string()) for values in zip(*given_rows, strict=True)]
        parquet.write_table(pa.table(columns, names=list(COLUMNS)), manifest)
    return manifest


def plain(text):
    """Without spaces around it, and a whole number without a point; nothing is no text."""
    if text is None:
        return None
    head, point, tail = text.strip().partition(".")
    whole = head.lstrip("+-")
    numeric = whole.isascii() and whole.isdecimal() and len(head) - len(whole) <= 1
    return (head if point and numeric and not tail.strip("0") else text.strip()) or None


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(given_rows=rows, kind=st.sampled_from(["csv", "jsonl", "parquet"]))
def test_rows_come_back(tmp_path, given_rows, kind):
    refs = list_images(str(write(tmp_path, kind, given_rows)))
    found = [(ref.uri, ref.image_id, ref.label, ref.split) for ref in refs]
    expected = [
        (
            str(tmp_path / path),
            name,
            plain(label),
            split_named(plain(split) or split_of(name, plain(label))),
        )
        for path, name, label, split in given_rows
    ]
    assert found == sorted(expected, key=lambda row: row[1])
