"""Paths are plain where a loop over their parts says so."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.images import plain_paths
from pipelines.images.plain_paths import are_plain, holds_null_byte

PARTS = st.sampled_from(
    ["a", "é", "a.b", ".b", "b.", "..b", "b..", "...", ".", "..", "", "\0", "a\0"]
)
PATHS = st.lists(st.lists(PARTS, min_size=1, max_size=3).map(lambda each: "/" + "/".join(each)))
PLAIN = PATHS.map(lambda paths: [path for path in paths if _is_plain(path)])


def _is_plain(path: str) -> bool:
    return not {"", ".", ".."} & {*path[1:].split("/")} and "\0" not in path


@given(PATHS | PLAIN, st.integers(1, 9))
def test_plain_paths_are_told_as_a_loop_tells_them(paths: list[str], block: int) -> None:
    whole = pa.array(["/left//out", *paths, "/left/out/"], pa.large_string())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plain_paths, "BLOCK", block)
        assert are_plain(whole[1:-1]) == all(map(_is_plain, paths))
        assert holds_null_byte(whole[1:-1]) == any("\0" in path for path in paths)


def test_of_hidden_files_nothing_is_said_too_much() -> None:
    hidden = pa.array(["/a/.b", "/c/..d"], pa.large_string())
    assert plain_paths._may_lead_about(hidden)
    assert are_plain(hidden)
    assert not plain_paths._may_lead_about(pa.array(["/a/b.c", "/d"], pa.large_string()))
