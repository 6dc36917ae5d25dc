"""Names of classes as a picture can show them: short, and in fonts that have their letters."""

import functools
from collections.abc import Sequence

LONGEST = 24
"""Characters of a name that are drawn."""

OWN = "DejaVu Sans"
"""The font that comes with matplotlib."""

FURTHER = (
    *(f"Noto Sans CJK {place}" for place in ("SC", "JP", "KR", "TC")),
    *(f"Noto Sans {script}" for script in ("Devanagari", "Bengali", "Tamil", "Thai", "Hebrew")),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Unifont", "Noto Emoji", "Symbola"),
)
"""Fonts that have letters which `OWN` has not, and are used where they are installed."""


def names_in_pictures(classes: Sequence[str]) -> list[str]:
    """Names to draw: a long one is cut, and one that no font here can show becomes its number.

    Args:
        classes: names by number.
    """
    return [name_in_picture(name, f"class {number}") for number, name in enumerate(classes)]


def name_in_picture(name: str, instead: str) -> str:
    """A name to draw: cut where it is long, another instead where no font here can show it."""
    short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    plain = "".join(letter if letter.isprintable() else " " for letter in short)
    return plain if plain.strip() and _letters() >= set(plain) else instead


@functools.cache
def fonts() -> list[str]:
    """The fonts to draw names in, the first that has a letter first."""
    from matplotlib import font_manager

    there = {entry.name for entry in font_manager.fontManager.ttflist}
    return [OWN, *(name for name in FURTHER if name in there)]


@functools.cache
def _letters() -> frozenset[str]:
    """All letters that one of the fonts has."""
    from matplotlib import font_manager

    found: set[int] = set()
    for name in fonts():
        found |= font_manager.get_font(font_manager.findfont(name)).get_charmap().keys()
    return frozenset(map(chr, found))
