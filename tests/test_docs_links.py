"""The documents lead somewhere: links resolve, and the README stays short enough to be read."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

README = ROOT / "README.md"
README_LINES = 150
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(\s*([^)\s]+)|^\[[^\]]+\]: *(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")


def links(text: str) -> list[str]:
    """Targets of a document's links and pictures, those in code left out."""
    return [inline or named for inline, named in LINK.findall(CODE.sub("", text))]


@cache
def anchors(document: Path) -> frozenset[str]:
    """What `#...` may name in a document: GitHub's anchors of its headings."""
    fenced = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    found: list[str] = []
    for heading in HEADING.findall(fenced.sub("", document.read_text(encoding="utf-8"))):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        again = sum(re.sub(r"-\d+$", "", each) == anchor for each in found)
        found.append(f"{anchor}-{again}" if again else anchor)
    return frozenset(found)


def is_broken(link: str, document: Path, root: Path) -> bool:
    """Whether a relative link leads to no file of `root`, or to no heading of that file."""
    place, _, anchor = link.partition("#")
    target = (document.parent / place).resolve() if place else document
    if not target.exists() or not target.is_relative_to(root):
        return True
    return bool(anchor) and (target.suffix != ".md" or anchor not in anchors(target))


def broken(document: Path, root: Path) -> list[str]:
    """A document's links that lead nowhere; those to other sites are not followed."""
    found = links(document.read_text(encoding="utf-8"))
    return [link for link in found if not ELSEWHERE.match(link) and is_broken(link, document, root)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    assert broken(document, ROOT) == []


def test_every_page_can_be_reached_from_the_readme():
    reached, ahead = set(), [README]
    while ahead:
        document = ahead.pop()
        reached.add(document)
        for link in links(document.read_text(encoding="utf-8")):
            target = (document.parent / link.partition("#")[0]).resolve()
            # A link to a folder shows all that is in it.
            pages = sorted(target.glob("*.md")) if target.is_dir() else [target]
            ahead += [page for page in pages if page in DOCUMENTS and page not in reached]
    assert set(DOCUMENTS) - reached == set()


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= README_LINES


def test_links_that_lead_nowhere_are_found(tmp_path):
    page, other = tmp_path / "page.md", tmp_path / "docs" / "other.md"
    other.parent.mkdir()
    other.write_text("# A base, and `code`\n\n```\n# no heading\n```\n\n## Again\n\n## Again\n")
    page.write_text(
        "# Here\n[1](docs/other.md) [2](docs/other.md#a-base-and-code) [3](docs/other.md#again-1)\n"
        "[4](docs) ![5](https://example.org/a.png) [6](#here) `[7](in code)`\n"
        "[two\nlines](docs/x.md) [8](docs/other.md#no-heading) [9](docs/other.md#again-2)\n"
        "[10](#there) [11](../page.md) [12](docs#here) [![13](docs/y.png)](docs/z.md)\n"
        "```\n[14](in/a/block.md)\n```\n[15][name]\n\n[name]: docs/named.md\n"
    )
    assert broken(page, tmp_path) == [
        "docs/x.md",
        "docs/other.md#no-heading",
        "docs/other.md#again-2",
        "#there",
        "../page.md",
        "docs#here",
        "docs/y.png",
        "docs/z.md",
        "docs/named.md",
    ]
