"""The page as one file, which loads nothing and runs no script but its own."""

import base64
import hashlib
import html
from importlib import resources

from classifiers.reporting.shown import as_script

SCRIPTS = ("page.js", "gallery.js", "map.js", "pointing.js", "charts.js", "models.js", "start.js")
"""In the order in which they need each other."""


def document(title: str, data: object, pictures: object) -> str:
    """Put a page together.

    Args:
        title: of the page; any text.
        data: what the scripts show, as JSON takes it.
        pictures: base64 of WebP, in a list; apart, because it is looked at last.

    Returns:
        HTML whose policy allows the one script and the one style that are in it, by their hashes,
        and pictures that are in it.

    Raises:
        ValueError: a number in it is not finite.
    """
    script = "\n".join(_file(name) for name in SCRIPTS)
    style = _file("report.css")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    # Split, not replaced one after the other: what is put in may hold the name of a place.
    pieces = {
        "POLICY": html.escape(policy, quote=True).replace("&#x27;", "'"),
        "TITLE": html.escape(title),
        "STYLE": style,
        "DATA": as_script(data),
        "PICTURES": as_script(pictures),
        "SCRIPT": script,
    }
    filled = []
    for number, piece in enumerate(_file("report.html").split("@@")):
        filled.append(pieces[piece] if number % 2 else piece)
    return "".join(filled)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _file(name: str) -> str:
    return resources.files("classifiers.reporting").joinpath("page", name).read_text("utf-8")
