"""Reading a page back without a browser."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path


class Parsed(HTMLParser):
    """A page's elements as a parser meets them.

    Attributes:
        elements: names and attributes, in order.
        text: of each script and style, by its id or name.
    """

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._in: str | None = None
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style", "title"):
            self._in = dict(attrs).get("id") or tag

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        if self._in is not None:
            self.text[self._in] = self.text.get(self._in, "") + data

    @property
    def data(self) -> dict:
        return json.loads(self.text["data"])

    @property
    def pictures(self) -> list:
        return json.loads(self.text["pictures"])

    @property
    def policy(self) -> dict[str, str]:
        (content,) = (
            each["content"]
            for _, each in self.elements
            if each.get("http-equiv") == "Content-Security-Policy"
        )
        return dict(part.strip().split(" ", 1) for part in content.split(";"))

    def hash_of(self, name: str) -> str:
        digest = hashlib.sha256(self.text[name].encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


def places_elsewhere(page: Path) -> list[str]:
    """What a page would load from elsewhere."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:|//)[^"')\s]*""", text)
