"""Versions in a folder: none is lost, none is replaced, none is half there."""

import pytest

from classifiers.models.versions.local import LocalVersions
from pipelines.errors import ModelError
from tests.classifiers.models.stopped import write_model_of


def add(versions: LocalVersions, text: str, number: int | None = None) -> str:
    with versions.draft(number) as draft:
        write_model_of(text, draft.folder)
    return str(draft.place)


def texts(versions: LocalVersions) -> dict[int, str]:
    return {each: (versions.path(each) / "card.json").read_text() for each in versions.numbers()}


def test_of_two_that_must_be_the_next_version_one_is(tmp_path):
    versions = LocalVersions(tmp_path / "m")
    with (
        pytest.raises(ModelError, match="m@1 was put there meanwhile by another process; nothing"),
        versions.draft(1) as late,
    ):
        write_model_of("late", late.folder)
        assert add(versions, "early", 1) == f"{tmp_path}/m@1"
    assert texts(versions) == {1: "early"}
    assert [path.name for path in (tmp_path / "m/_versions").iterdir()] == ["1"]


def test_of_two_trainings_at_once_both_become_versions(tmp_path):
    versions = LocalVersions(tmp_path / "m")
    with versions.draft() as late:
        write_model_of("late", late.folder)
        add(versions, "early")
    assert late.place == f"{tmp_path}/m@2"
    assert texts(versions) == {1: "early", 2: "late"}


def test_a_draft_that_fails_is_no_version(tmp_path):
    versions = LocalVersions(tmp_path / "m")
    with pytest.raises(OSError, match="full"), versions.draft() as draft:
        write_model_of("half", draft.folder)
        raise OSError("the disk is full")
    assert versions.numbers() == []
    assert not any((tmp_path / "m/_versions").iterdir())


def test_what_is_no_version_is_not_counted(tmp_path):
    versions = LocalVersions(tmp_path / "m")
    add(versions, "one")
    for name in ("02", "x", "-3", "7"):  # the last without a card
        (tmp_path / "m/_versions" / name).mkdir()
    for name in ("02", "x", "-3"):
        write_model_of("no", tmp_path / "m/_versions" / name)
    assert texts(versions) == {1: "one"}
    assert add(versions, "two") == f"{tmp_path}/m@2"
