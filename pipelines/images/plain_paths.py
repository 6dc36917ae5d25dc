"""Whether paths are plain, of millions at once: none leads about by "..", "." or nothing."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

BLOCK = 2**22
"""Bytes that are looked at at once."""

_ABOUT = {
    pc.match_substring: ("//", "/./", "/../", "\0"),
    pc.ends_with: ("/", "/.", "/.."),
}
"""What tells a place with an empty folder, "." or "..", a null byte or a scheme."""

_SLASH, _DOT = ord("/"), ord(".")


def are_plain(paths: pa.LargeStringArray) -> bool:
    """Whether no path has an empty folder, "." or "..", a null byte or a scheme.

    Args:
        paths: absolute, none of them null.
    """
    if not _may_lead_about(paths):
        return True
    return not any(
        pc.any(test(paths, pattern)).as_py()
        for test, patterns in _ABOUT.items()
        for pattern in patterns
    )


def holds_null_byte(texts: pa.LargeStringArray) -> bool:
    """Whether any text has a null byte in it."""
    content, _ = _content(texts)
    return not all(content[start : start + BLOCK].all() for start in range(0, len(content), BLOCK))


def _may_lead_about(paths: pa.LargeStringArray) -> bool:
    """What the bytes say at a tenth of the time; of a hidden file, for one, they say too much."""
    content, ends = _content(paths)
    last = content[ends - 1]
    if ((last == _SLASH) | (last == _DOT)).any():
        return True
    for start in range(0, len(content), BLOCK):
        block = content[start : start + BLOCK + 1]  # with the first byte of the next
        after = block[1:]
        leading = (block[:-1] == _SLASH) & ((after == _SLASH) | (after == _DOT))
        if leading.any() or not block.all():
            return True
    return False


def _content(texts: pa.LargeStringArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes of texts one after the other, and where each ends; empty ones are left out."""
    _, ends, content = texts.buffers()
    if not len(texts) or content is None:
        return np.empty(0, np.uint8), np.empty(0, np.int64)
    offsets = np.frombuffer(ends, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    found = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]]
    return found, offsets[1:][np.diff(offsets) > 0] - offsets[0]
