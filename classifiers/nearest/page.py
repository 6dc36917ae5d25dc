"""The neighbours with their pictures: one HTML file that needs nothing else and runs nothing."""

import base64
import html
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

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


def write_page(report: NeighboursReport, path: Path) -> None:
    """Write the page; an image that is gone or cannot be decoded is said to be so in its place.

    Raises:
        OSError: the file cannot be written.
    """
    queries = report.queries.slice(0, QUERIES_SHOWN).to_pylist()
    shown = {each["query"] for each in queries}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in shown}
    for row in report.rows.to_pylist():
        if row["query"] in shown:
            rows[row["query"]].append(row)
    uris = {each["uri"] for each in queries}
    uris |= {row["uri"] for of_query in rows.values() for row in of_query}
    pictures = dict(_thumbnails(sorted(uri for uri in uris if uri is not None)))
    missing = len(uris) - len(pictures)
    if missing:
        log(f"{missing} of {len(uris)} images are gone or cannot be decoded; the page has no "
            "picture of them")  # fmt: skip
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
