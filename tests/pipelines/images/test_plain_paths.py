"""Paths are plain where a loop over their parts says so."""

import itertools

import pyarrow as pa
import pytest

from pipelines.images import plain_paths
from pipelines.images.plain_paths import are_plain, holds_null_byte

PARTS = ("a", "é", "a.b", ".b", "b.", "..b", "b..", "...", ".", "..", "", "\0", "a\0")
PATHS = [
    "/" + "/".join(parts) for many in (1, 2) for parts in itertools.product(PARTS, repeat=many)
]


def _is_plain(path: str) -> bool:
    return not {"", ".", ".."} & {*path[1:].split("/")} and "\0" not in path


@pytest.mark.parametrize("block", [1, 2, 3, 2**22])
def test_plain_paths_are_told_as_a_loop_tells_them(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_paths, "BLOCK", block)
    for path in PATHS:
        for beside in ([], ["/a"]):
            paths = [*beside, path, *beside]
            whole = pa.array(["/left//out", *paths, "/left/out/"], pa.large_string())
            assert are_plain(whole[1:-1]) == _is_plain(path), paths
            assert holds_null_byte(whole[1:-1]) == ("\0" in path), paths


def test_bytes_alone_say_too_much_of_hidden_files_only() -> None:
    hidden = pa.array(["/a/.b", "/c/..d"], pa.large_string())
    assert plain_paths._may_lead_about(hidden)
    assert are_plain(hidden)
    assert are_plain(pa.array([], pa.large_string()))
    assert not plain_paths._may_lead_about(pa.array(["/a/b.c", "/d"], pa.large_string()))
