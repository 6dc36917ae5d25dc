"""A model is never lost: not by looking whether it can be replaced, and not by being stopped."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from classifiers.models import place
from classifiers.models.folder import read_card
from classifiers.models.place import check_target, left_beside, model_draft
from pipelines.errors import ModelError, UsageError
from tests.classifiers.models.stopped import FILES, POINTS, put, write_model_of
from tests.conftest import ROOT


def whole(folder: Path) -> str | None:
    """What the model in a folder says, if all of it is there."""
    files = [folder / name for name in FILES]
    texts = {file.read_text() if file.is_file() else None for file in files}
    return texts.pop() if len(texts) == 1 else None


def a_model(folder: Path, text: str = "old") -> Path:
    folder.mkdir(parents=True)
    write_model_of(text, folder)
    return folder


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("stopped")
    process = [sys.executable, "-m", "tests.classifiers.models.stopped", str(root)]
    subprocess.run(process, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return root


def ends(stopped: Path, way: str) -> list[tuple[int, Path]]:
    """For each point the exit status and the model's folder; some points must have been reached."""
    folders = [stopped / way / str(point) for point in range(POINTS)]
    found = [(int((folder / "status").read_text()), folder / "m") for folder in folders]
    assert (found[-1][0], whole(found[-1][1])) == (0, "new"), "more points than were tried"
    return found


def test_a_kill_at_any_point_leaves_a_whole_model_that_is_told(stopped):
    killed = [model for status, model in ends(stopped, "killed") if status == -9]
    assert len(killed) >= 8
    in_place = [whole(model) for model in killed]
    assert in_place == sorted(in_place, key=["old", None, "new"].index)
    assert in_place.count(None) == 1
    for model in killed:
        if not model.exists():
            with pytest.raises(ModelError) as told:
                read_card(model)
            before, new = left_beside(model)
            assert f"left {before} and {new}; move the one to keep to {model}" in str(told.value)
            assert (whole(before), whole(new)) == ("old", "new")
        assert all(whole(path) for path in left_beside(model))


def test_after_a_kill_the_next_training_tells_what_is_left_and_touches_none_of_it(stopped, capsys):
    for _, model in ends(stopped, "killed"):
        before = {path: whole(path) for path in left_beside(model)}
        check_target(model, overwrite=True)
        said = capsys.readouterr().err
        assert all(f"{path} is a model that a training could not put" in said for path in before)
        assert {path: whole(path) for path in left_beside(model)} == before


def test_an_interruption_at_any_point_leaves_a_model_in_its_place(stopped):
    interrupted = [model for status, model in ends(stopped, "interrupted") if status == 130]
    assert len(interrupted) >= 8
    in_place = [whole(model) for model in interrupted]
    assert in_place == sorted(in_place, key=["old", "new"].index)
    assert set(in_place) == {"old", "new"}


def test_of_two_trainings_that_overwrite_at_once_one_is_in_place_and_none_is_lost(stopped):
    refused = 0
    for status, model in ends(stopped, "overtaken"):
        assert whole(model) in ("new", "second")
        if status:
            refused += 1
            assert {whole(path) for path in left_beside(model)} == {"old", "new"}
    assert refused == 1


def test_a_training_that_may_not_overwrite_loses_no_model_to_one_that_may_nor_its_own(stopped):
    reached = sum(status == -9 for status, _ in ends(stopped, "killed"))
    for status, model in ends(stopped, "met")[:reached]:
        told = [whole(path) for path in (model, *left_beside(model))]
        assert {"new", "second"} <= set(told)
        assert "old" in told or not status


def test_a_model_that_is_replaced_leaves_nothing_behind(tmp_path):
    model = a_model(tmp_path / "m")
    put("new", model)
    assert whole(model) == "new"
    assert list(tmp_path.iterdir()) == [model]


def test_what_is_left_of_a_model_that_was_replaced_is_no_model(tmp_path, monkeypatch, capsys):
    model = a_model(tmp_path / "m")

    def refuse(folder):
        raise PermissionError(f"not yours: {folder}")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    place._put_in_place(a_model(tmp_path / "new", "new"), model, tmp_path / "m.before-x", True)
    assert "the model before could not be deleted: not yours: " in capsys.readouterr().err
    assert whole(model) == "new"
    assert (tmp_path / "m.before-x").exists()
    assert not left_beside(model)


def test_to_look_whether_a_model_can_be_replaced_moves_nothing(tmp_path, monkeypatch):
    model = a_model(tmp_path / "m")

    def refuse(*_args):
        pytest.fail("something was moved")

    for name in ("rename", "replace", "renames"):
        monkeypatch.setattr(os, name, refuse)
    check_target(model, overwrite=True)
    assert list(tmp_path.iterdir()) == [model]


@pytest.mark.parametrize("error", [OSError(16, "Device or resource busy"), OSError(18, "Other")])
@pytest.mark.parametrize("which", ["old", "new"])
def test_a_model_that_cannot_be_moved_is_not_lost(tmp_path, monkeypatch, error, which):
    model = a_model(tmp_path / "m")
    rename = os.rename

    def refuse(source, target):
        moved = {"old": source == model, "new": target == model and ".new-" in str(source)}
        if moved[which]:
            raise error
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(ModelError, match="this model is in") as told:
        put("new", model)
    (new,) = left_beside(model)
    assert str(told.value).endswith(f"{error}; this model is in {new}")
    assert (whole(model), whole(new)) == ("old", "new")


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    model, link = a_model(tmp_path / "models" / "m"), tmp_path / "link"
    link.symlink_to(model)
    check_target(link, overwrite=True)
    put("new", link)
    assert link.is_symlink()
    assert whole(model) == "new"
    assert list(model.parent.iterdir()) == [model]


def test_a_link_that_leads_nowhere_yet_gets_its_model(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "far" / "m")
    check_target(tmp_path / "link", overwrite=False)
    put("new", tmp_path / "link", overwrite=False)
    assert whole(tmp_path / "far" / "m") == "new"


def test_a_link_to_an_empty_folder_stays_and_the_folder_gets_the_model(tmp_path):
    (tmp_path / "disk" / "m").mkdir(parents=True)
    (tmp_path / "near").symlink_to("disk/m")
    (tmp_path / "link").symlink_to("near")
    check_target(tmp_path / "link", overwrite=False)
    put("new", tmp_path / "link", overwrite=False)
    assert str((tmp_path / "link").readlink()) == "near"
    assert str((tmp_path / "near").readlink()) == "disk/m"
    assert whole(tmp_path / "disk" / "m") == "new"
    assert list((tmp_path / "disk").iterdir()) == [tmp_path / "disk" / "m"]


def test_where_something_is_mounted_no_model_can_be_put(tmp_path, monkeypatch):
    model = a_model(tmp_path / "my models" / "m")
    mounts = tmp_path / "mountinfo"
    root = b"22 1 0:21 / / rw - ext4 /dev/a rw\n"
    mounted = os.fsencode(model).replace(b" ", rb"\040")
    mounts.write_bytes(root + b"36 22 0:32 /a " + mounted + b" rw,noatime - ext4 /dev/a rw\n")
    monkeypatch.setattr(place, "MOUNTS", mounts)
    with pytest.raises(UsageError, match="something is mounted there; name a folder in it"):
        check_target(model, overwrite=True)
    check_target(model / "inside", overwrite=False)
    mounts.write_bytes(root)
    check_target(model, overwrite=True)
    assert not place._is_mounted(model)
    assert place._is_mounted(Path("/proc"))


@contextlib.contextmanager
def without_privileges() -> Iterator[Path]:
    """A folder of a user that is not root, as that user."""
    folder = Path(tempfile.mkdtemp())
    root = os.getuid() == 0
    try:
        if root:
            os.chown(folder, 65534, 65534)
            os.setresuid(65534, 65534, 0)
        yield folder
    finally:
        if root:
            os.setresuid(0, 0, 0)
        for each in (folder, *folder.rglob("*")):
            each.chmod(0o700)
        shutil.rmtree(folder)


def test_a_model_that_may_not_be_changed_is_not_replaced():
    with without_privileges() as folder:
        model = a_model(folder / "m")
        model.chmod(0o555)
        with pytest.raises(UsageError, match=r"its owner does not allow it; name another$"):
            check_target(model, overwrite=True)
        model.chmod(0o755)
        check_target(model, overwrite=True)
        assert list(folder.iterdir()) == [model]


@pytest.mark.parametrize("name", ["m", "new"])
def test_a_folder_that_cannot_be_written_takes_no_model(name):
    with without_privileges() as folder:
        a_model(folder / "m")
        folder.chmod(0o555)
        with pytest.raises(PermissionError):
            check_target(folder / name, overwrite=True)


def test_in_a_folder_shared_by_all_nobody_replaces_the_models_of_others(tmp_path, monkeypatch):
    model = a_model(tmp_path / "shared" / "m")
    model.parent.chmod(0o1777)
    check_target(model, overwrite=True)
    monkeypatch.setattr(os, "geteuid", lambda: model.stat().st_uid + 1)
    with pytest.raises(UsageError, match="its owner does not allow it"):
        check_target(model, overwrite=True)


def test_a_name_too_long_is_refused_before_the_training(tmp_path):
    model = tmp_path / ("m" * 245)
    with pytest.raises(OSError, match="File name too long"):
        check_target(model, overwrite=False)
    shorter = tmp_path / ("m" * 235)
    check_target(shorter, overwrite=False)
    put("new", shorter)
    put("newer", shorter)
    assert whole(shorter) == "newer"


def test_a_failed_draft_is_no_model_left_beside(tmp_path):
    model = a_model(tmp_path / "m")
    with pytest.raises(OSError, match="full"), model_draft(model, overwrite=True) as draft:
        write_model_of("half", draft)
        raise OSError("the disk is full")
    assert whole(model) == "old"
    assert list(tmp_path.iterdir()) == [model]
