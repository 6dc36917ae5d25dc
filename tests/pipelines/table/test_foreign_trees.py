"""Random folders of other people's things around a table: nothing of theirs is ever touched."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pipelines import forget, tidy
from pipelines.driver import extract
from pipelines.errors import FrozenFeaturesError
from pipelines.planning.job import ExtractJob
from pipelines.table.names import is_own_name
from tests.pipelines.table.trees import (
    IMAGES,
    age,
    copy,
    respell,
    rows,
    tree,
    write_images,
    write_table,
)

EXAMPLES = int(os.environ.get("FROZEN_FEATURES_FUZZ_EXAMPLES", "100"))

OURS = "20200101T000000000-aaaaaaaa-000000-bbbbbbbb.parquet"
DELTAS = "part-00000-01234567-0123-0123-0123-0123456789ab-c000.zstd.parquet"

FOLDERS = (".", "data", "data/sub", "archive", "archive/data", "_mine", ".hidden", "data/_x")
NAMES = (OURS, DELTAS, "predictions.parquet", "notes.txt", "data", "00000000000000000003.json")

foreign_files = st.tuples(
    st.just("file"), st.sampled_from(FOLDERS), st.sampled_from(NAMES), st.just("")
)
links = st.tuples(
    st.just("link"),
    st.sampled_from(FOLDERS),
    st.sampled_from((OURS, "self", "predictions.parquet")),
    st.sampled_from(("elsewhere", "elsewhere/" + OURS, "table", "table/data", ".", "nowhere")),
)
inner_tables = st.tuples(
    st.just("table"),
    st.sampled_from((*FOLDERS[1:], "inner", "data/inner")),
    st.just(""),
    st.just(""),
)
orphans = st.tuples(
    st.just("file"),
    st.just("data"),
    st.builds("2020010{}T000000000-aaaaaaaa-000000-bbbbbbbb.parquet".format, st.integers(1, 9)),
    st.just(""),
)
things = st.lists(st.one_of(foreign_files, links, inner_tables, orphans), max_size=6)

SPELLINGS = {
    "plain": lambda path: path,
    "./": lambda path: f"./{path}",
    "//": lambda path: path.replace("/", "//"),
    "/./": lambda path: path.replace("/", "/./"),
    "%2D": lambda path: path.replace("-", "%2D", 1),
    "%2F": lambda path: path.replace("/", "%2F"),
}


@pytest.fixture(scope="module")
def seed(tmp_path_factory) -> Path:
    """A folder with `images` and their `table`."""
    root = tmp_path_factory.mktemp("seed")
    write_table(root / "table", write_images(root / "images"))
    return root


def place(root: Path, seed: Path, thing) -> None:
    kind, folder, name, target = thing
    path = root / "table" / folder / name
    with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
        if kind == "table":
            copy(seed / "table", path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to(root / target)
        elif not path.exists():
            path.write_bytes(b"not yours")


def run(command: str, root: Path) -> tuple[int, set[str]]:
    """The status, and the images whose rows were to go."""
    table = ["--table", str(root / "table")]
    if command == "tidy":
        return tidy.main([*table, "--retention_days", "0"]), set()
    if command == "forget":
        return forget.main([*table, "--image_id", IMAGES[0]]), {IMAGES[0]}
    (root / "images" / IMAGES[-1]).unlink()
    try:
        extract(ExtractJob(str(root / "images"), str(root / "table"), prune=True))
    except FrozenFeaturesError:
        return 1, set()
    return 0, {IMAGES[-1]}


def may_go(path: str, own: set[str]) -> bool:
    inside = path.removeprefix("table/")
    return path != inside and (inside in own or inside.startswith("_delta_log/"))


@pytest.mark.faults
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(things, st.sampled_from(list(SPELLINGS)), st.sampled_from(["tidy", "forget", "prune"]))
def test_nothing_but_the_table_s_own_files_is_changed(seed, capsys, things, spelling, command):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copy(seed / "table", root / "table")
        shutil.copytree(seed / "images", root / "images")
        # What our own names and the log of this table make the table's, and nothing else does.
        own = {path for path in tree(root / "table") if path.endswith(".parquet")}
        (root / "elsewhere").mkdir()
        for name in (OURS, DELTAS, "predictions.parquet"):
            (root / "elsewhere" / name).write_bytes(b"not yours either")
        for thing in things:
            place(root, seed, thing)
        respell(root / "table", SPELLINGS[spelling])
        age(root)
        before, held = tree(root), rows(root / "table")
        planted = {
            path.removeprefix("table/")
            for path, what in before.items()
            if isinstance(what, bytes) and is_own_name(path.removeprefix("table/"))
        }
        images = tree(root / "images")
        status, gone = run(command, root)
        capsys.readouterr()
        event(f"{command} {spelling}: {status}")
        after = tree(root)
        kept = {
            path: what
            for path, what in before.items()
            if not may_go(path, own | planted) and path != f"images/{IMAGES[-1]}"
        }
        assert {path: after.get(path) for path in kept} == kept
        assert len(tree(root / "images")) >= len(images) - 1
        new = {path.removeprefix("table/") for path in after.keys() - before.keys()}
        assert all(is_own_name(path) or path.startswith("_delta_log/") for path in new)
        if status == 0:
            assert rows(root / "table") == {n: v for n, v in held.items() if n not in gone}
        else:
            # Refused as a whole: nothing has gone.
            assert before.keys() - after.keys() <= {f"images/{IMAGES[-1]}"}
            assert rows(root / "table") == held
