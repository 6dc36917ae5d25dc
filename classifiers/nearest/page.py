"""The neighbours with their pictures: one HTML file that needs nothing else and runs nothing."""

import base64
import html
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from PIL import Image

from classifiers.nearest.report import NeighboursReport
from pipelines.cli import log
from pipelines.drafts import write_whole
from pipelines.images.decode import PixelSpec
from pipelines.images.loading import LoadedImage, load_images
from pipelines.records import ImageRef
from pipelines.redaction import redacted
from pipelines.system.cores import usable_cores
from pipelines.visible import visible

QUERIES_SHOWN = 100
"""Queries that a page shows at most; an hour of scrolling, and some ten megabytes."""

SIDE = 128
"""Pixels of a thumbnail's side; like the base, it sees an image as a square."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

STYLE = (
    "body{font-family:sans-serif;margin:1rem}section{display:flex;flex-wrap:wrap;gap:.5rem;"
    "border-top:1px solid #ccc;padding:.5rem 0}figure{margin:0;width:8.5rem;font-size:.75rem;"
    "overflow-wrap:anywhere}figure:first-child{border-right:3px solid #555}"
    ".gone{width:8rem;height:8rem;background:#eee;display:flex;align-items:center}"
)


def uris_shown(report: NeighboursReport) -> tuple[set[str], set[str]]:
    """Where the pictures of a page are, as the report says: of the queries, and of the stored."""
    queries = report.queries.slice(0, QUERIES_SHOWN)
    shown = report.rows.filter(pc.is_in(report.rows["query"], queries["query"].combine_chunks()))
    named = (each["uri"].drop_null().to_pylist() for each in (queries, shown))
    of_queries, of_stored = map(set, named)
    return of_queries, of_stored


def write_page(report: NeighboursReport, path: Path, places: Mapping[str, str]) -> None:
    """Write the page; an image that cannot be shown is said to be so in its place.

    Args:
        report: the neighbours.
        path: the file.
        places: where the images are that may be opened, by what the report has as their `uri`.

    Raises:
        OSError: the file cannot be written.
    """
    queries = report.queries.slice(0, QUERIES_SHOWN).to_pylist()
    rows: dict[str, list[dict[str, Any]]] = {each["query"]: [] for each in queries}
    for row in report.rows.to_pylist():
        if row["query"] in rows:
            rows[row["query"]].append(row)
    of_queries, of_stored = uris_shown(report)
    uris = sorted(of_queries | of_stored)
    by_place = dict(_thumbnails(sorted({places[uri] for uri in uris if uri in places})))
    pictures = {uri: by_place[places[uri]] for uri in uris if places.get(uri) in by_place}
    if missing := len(uris) - len(pictures):
        closed = sum(uri not in places for uri in uris)
        why = f"; {closed} may not be opened, unless --allow_uri names their folder"
        log(
            f"{missing} of {len(uris)} pictures cannot be shown: they are gone, cannot be decoded, "
            f"or may not be opened{why if closed else ''}"
        )
    title = f"Neighbours in version {report.table_version} of {report.table}"
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
    ]
    for query in queries:
        first = _figure(pictures.get(query["uri"]), [query["query"]])
        others = (_neighbour(row, pictures) for row in rows[query["query"]])
        lines.append("\n".join(["<section>", first, *others, "</section>"]))
    more = report.queries.num_rows - len(queries)
    if more:
        lines.append(f"<p>and {more:,} more, which are not shown</p>")
    write_whole(path, "\n".join([*lines, "</body></html>\n"]).encode())


def _neighbour(row: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    label = "no label" if row["label"] is None else row["label"]
    said = [row["image_id"], f"{label}, {row['split']}", f"{row['cosine']:.4f}"]
    return _figure(pictures.get(row["uri"]), said)


def _figure(picture: str | None, said: Iterable[str]) -> str:
    caption = "<br>".join(_text(each) for each in said)
    shown = (
        '<div class="gone">no picture</div>'
        if picture is None
        else f'<img src="{picture}" width="{SIDE}" height="{SIDE}" alt="">'
    )
    return f"<figure>{shown}<figcaption>{caption}</figcaption></figure>"


def _text(text: str) -> str:
    return html.escape(visible(redacted(text)))


def _thumbnails(uris: list[str]) -> Iterator[tuple[str, str]]:
    """Those of the images that can be had, as URIs that hold them."""
    refs = [ImageRef(uri, uri, None, "", 0, 0, 0) for uri in uris]
    pixels = PixelSpec(SIDE, "bilinear", "applied")
    for each in load_images(refs, pixels, usable_cores(), 2 * usable_cores()):
        if isinstance(each, LoadedImage):
            file = io.BytesIO()
            Image.fromarray(each.pixels).save(file, "JPEG", quality=80)
            held = base64.b64encode(file.getvalue()).decode()
            yield each.source.ref.uri, f"data:image/jpeg;base64,{held}"
