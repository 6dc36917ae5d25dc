"""Text of anybody's as it may be printed: a terminal obeys some characters, and hides others."""

import re

LONGEST = 2_000
"""Characters of a message; names that it tells may be as long as their makers pleased."""

LONGEST_CELL = 500
"""Characters of one value among others."""

_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but the end of a line, those that turn text around, and halves of others."""


def visible(text: str) -> str:
    """A text with escapes, as Python writes them, for what would not be seen; lines are kept."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def in_one_line(text: str, most: int = LONGEST) -> str:
    """A text as one visible line, without its middle where it is too long.

    Args:
        text: the text.
        most: characters of it that are shown, at least 2.
    """
    if len(text) > most:
        text = f"{text[: most - most // 4]} … {text[-(most // 4) :]}"
    return visible(text).replace("\n", r"\n")
