"""A folder listed as columns is what a plain walk makes of it, and the listing of objects."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import InputError
from pipelines.images import folder_listing
from pipelines.images.arranging import Parts, arrange
from pipelines.images.fingerprint import fingerprint
from pipelines.images.kinds import IMAGE_SUFFIXES, may_be_image
from pipelines.images.layout import PLAIN, LabelsFrom, Layout
from pipelines.images.listing import list_images
from pipelines.images.picked import Picked, by_id
from pipelines.images.plain_columns import NotPlainError
from pipelines.records import ImageRef

NOT_UTF_8 = os.fsdecode(b"caf\xe9")

FOLDERS = ("train", "val", "Test_1", "cat", "dog", "a", "a.b", "é", NOT_UTF_8, ".hid", "b.jpg")
IMAGES = (
    "1.jpg",
    "2.PNG",
    "é.webp",
    f"{NOT_UTF_8}.jpg",
    r"caf\xe9.jpg",
    "new\nline.jpg",
    "a b.gif",
)
OTHERS = (".h.jpg", "..jpg", "notes.txt", "none", "x.jpg ", "x.jpg.", "list.csv", "_delta_log")

LAYOUTS = (
    *(Layout(), Layout(any_suffix=True), Layout(id_prefix="day 1/é")),
    *(Layout(split_by="id"), Layout(split_by="stratified"), Layout(label_separator="a")),
    *(Layout(labels_from=LabelsFrom.parse(text)) for text in ("folder", "parent", "none")),
    Layout(labels_from=LabelsFrom.parse("filename:^[a-z]"), any_suffix=True),
)

LINKS = {
    "link": "1.jpg",
    "link out": "../../../outside.png",
    "dangling": "nothing/here",
    "link up": "..",
    "link to itself": ".",
}
"""What is made besides files and folders, and where it leads from its own folder."""

ANY = st.sampled_from(FOLDERS)
PLACES = (
    st.just(()),
    st.tuples(ANY),
    st.tuples(st.sampled_from(FOLDERS[:3]), ANY),
    st.lists(ANY, max_size=3).map(tuple),
)
NAMES = st.one_of(st.sampled_from(IMAGES), st.sampled_from((*OTHERS, *FOLDERS)))
MADE = st.one_of(st.just("file"), st.sampled_from(["file", "folder", *LINKS]))
TREES = st.one_of([st.lists(st.tuples(each, NAMES, MADE), max_size=12) for each in PLACES])


def _grow(above: Path, entries: list[tuple[Parts, str, str]]) -> Path:
    """Make what can be made: of two things in one place, the first; all of it lies in `above`."""
    root = above / "all" / "images"
    root.mkdir(parents=True)
    for folders, name, kind in entries:
        with suppress(OSError):
            root.joinpath(*folders).mkdir(parents=True, exist_ok=True)
            _make(root.joinpath(*folders, name), kind)
    (above / "outside.png").write_bytes(b"x" * 9)
    return root


def _make(path: Path, kind: str) -> None:
    if kind == "file":
        with path.open("xb") as file:  # which follows no link
            file.write(b"\xff\xd8\xff" * (len(path.name) % 3))
    elif kind == "folder":
        path.mkdir()
        (path / "inside.jpg").touch()
    else:
        path.symlink_to(path.name if kind == "link to itself" else LINKS[kind])


def _walked(folder: Path, any_suffix: bool, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    inside = list(folder.iterdir())
    if any(map(folder.samefile, above)) or "_delta_log" in {path.name for path in inside}:
        return
    for path in inside:
        if path.name.startswith("."):
            continue
        if path.suffix.lower() in IMAGE_SUFFIXES:
            yield path
        elif os.path.isdir(path):  # noqa: PTH112 - a link to itself is none
            yield from _walked(path, any_suffix, (*above, folder))
        elif any_suffix and may_be_image(str(path)):
            yield path


def _ref(image_id: str, path: Path, label: str | None, split: str) -> ImageRef:
    if not os.path.exists(path):  # noqa: PTH110 - a link to itself does not
        return ImageRef(image_id, str(path), label, split, 0, 0, 0)
    status = path.stat()
    changed = max(status.st_ctime_ns, path.lstat().st_ctime_ns)
    times = (status.st_mtime_ns // 1000, changed // 1000)
    return ImageRef(image_id, str(path), label, split, status.st_size, *times)


def _listed(root: Path, layout: Layout) -> tuple[object, str]:
    """The images, or why there are none, and what is said."""
    said = StringIO()
    with redirect_stderr(said):
        try:
            refs = list_images(str(root), None, layout)
            return (list(refs), fingerprint(by_id(refs))), said.getvalue()
        except InputError as error:
            return str(error), said.getvalue()


def _listed_as_objects(root: Path, layout: Layout) -> tuple[object, str]:
    with mock.patch.object(folder_listing, "inventory_of_folder", side_effect=NotPlainError):
        return _listed(root, layout)


@given(TREES, st.sampled_from(LAYOUTS))
def test_columns_and_objects_are_the_same_listing(
    entries: list[tuple[Parts, str, str]], layout: Layout
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = _grow(Path(folder), entries)
        assert _listed(root, layout) == _listed_as_objects(root, layout)


@given(TREES, st.booleans())
def test_a_plain_walk_finds_the_same(
    entries: list[tuple[Parts, str, str]], any_suffix: bool
) -> None:
    layout = Layout(any_suffix=any_suffix, labels_from=LabelsFrom.parse("none"))
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        root = _grow(Path(folder), entries)
        found = [(each.relative_to(root).parts, each) for each in _walked(root, any_suffix)]
        plainly = arrange(str(root), found, _ref, layout)
        plainly.sort(key=lambda ref: ref.image_id)
        if not plainly or len({ref.image_id for ref in plainly}) < len(plainly):
            with pytest.raises(InputError):
                list_images(str(root), None, layout)
        else:
            assert list_images(str(root), None, layout) == plainly


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["train/cat/2.jpg", "train/cat/1.jpg", "val/dog/1.jpg"], PLAIN),
        (["train/cat/1.jpg", "train/cat/z/1.jpg", "train/cat.b/1.jpg", "val/a/1.jpg"], PLAIN),
        (["cat/1.jpg", "dog/2.jpg", "cat/3.jpg"], PLAIN),
        (["b.jpg", "a.jpg", f"{NOT_UTF_8}.jpg"], PLAIN),
        (["cat/1.jpg", "notes.txt"], Layout(any_suffix=True, split_by="id")),
        (["cat/1.jpg", "dog/2.jpg"], Layout(id_prefix="ä/")),
        (["cat/1.jpg", "x/train/dog/2.jpg"], Layout(labels_from=LabelsFrom.parse("parent"))),
        (["cat/1.jpg", "2.jpg"], Layout(labels_from=LabelsFrom.parse("none"))),
    ],
)
def test_ordinary_folders_are_listed_as_columns(
    tmp_path: Path, names: list[str], layout: Layout
) -> None:
    _touch(tmp_path, *names)
    assert isinstance(list_images(str(tmp_path), None, layout), Picked)
    assert _listed(tmp_path, layout) == _listed_as_objects(tmp_path, layout)


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["cat/1.jpg"], Layout(labels_from=LabelsFrom.parse("filename:^."))),
        (["cat/1.jpg", "2.jpg"], Layout(labels_from=LabelsFrom.parse("folder"))),
        (["cat/1.jpg"], Layout(label_separator="|")),
        (["cat/1.jpg"], Layout(split_by="stratified")),
    ],
)
def test_what_folders_do_not_say_is_asked_of_each_image(
    tmp_path: Path, names: list[str], layout: Layout
) -> None:
    _touch(tmp_path, *names)
    assert not isinstance(list_images(str(tmp_path), None, layout), Picked)


def test_a_folder_s_links_are_followed_and_its_broken_ones_are_there(tmp_path: Path) -> None:
    _touch(tmp_path, "images/cat/a.jpg", "images/cat/b.jpg/c.jpg", "far/long.jpg", "far/1/2.jpg")
    (tmp_path / "far/long.jpg").write_bytes(b"x" * 99)
    os.utime(tmp_path / "far/long.jpg", ns=(0, 5_000_999))
    cat = tmp_path / "images/cat"
    (cat / "link.jpg").symlink_to(tmp_path / "far/long.jpg")
    (cat / "gone.jpg").symlink_to(tmp_path / "nothing")
    (tmp_path / "images/dog").symlink_to(tmp_path / "far/1")
    found = by_id(list_images(str(tmp_path / "images")))
    names = ["cat/a.jpg", "cat/b.jpg", "cat/gone.jpg", "cat/link.jpg", "dog/2.jpg"]
    assert list(found) == names
    link = found["cat/link.jpg"]
    assert (link.bytes, link.modified) == (99, 5_000)
    assert link.changed == (cat / "link.jpg").lstat().st_ctime_ns // 1000
    assert link.uri == str(cat / "link.jpg")
    gone = found["cat/gone.jpg"]
    assert (gone.bytes, gone.modified, gone.changed) == (0, 0, 0)
    assert found["dog/2.jpg"].uri == str(tmp_path / "images/dog/2.jpg")
