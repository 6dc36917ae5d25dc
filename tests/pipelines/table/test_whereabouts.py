"""Of the images that a table names, those are opened that lie where somebody said they may."""

import json
import os
from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.images.at_location import root_of
from pipelines.images.roots import fence_around_root, sign_root, signed_roots
from pipelines.table.notes import Unchecked
from pipelines.table.stored import StoredImage
from pipelines.table.whereabouts import NO_ROOT, images_of_rows


class Table:
    """Of a table, what its commits say."""

    def __init__(self, *records: object) -> None:
        self._records = records

    def history(self):
        return [{"version": number, "run": each} for number, each in enumerate(self._records)]


def record_of(root: object) -> dict[str, object]:
    signed = sign_root(str(root))
    return {"run": "r", "input": {"root": signed.root, "signature": signed.signature}}


def opened(table: Table, uris: list[str], allowed: list[str] = []) -> list[str]:  # noqa: B006
    rows = {uri: StoredImage("data/x", uri, None, "train", "0", 1, 1) for uri in uris}
    refs, notes = images_of_rows(table, rows, [fence_around_root(each) for each in allowed])
    assert len(refs) + len(notes) == len(uris) or notes == [Unchecked("features", NO_ROOT)]
    assert all(isinstance(note, Unchecked) for note in notes)
    return [ref.uri for ref in refs]


@pytest.fixture
def images(tmp_path) -> Path:
    for name in ("a", "ab", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(b"x")
    return tmp_path / "a"


def test_images_of_the_folder_that_was_extracted_are_opened(images):
    uris = [f"{images}/x.png", f"{images}/deep/gone.png"]
    assert opened(Table(record_of(images)), uris) == uris
    assert opened(Table(record_of(images), {"run": "tidied"}, None), uris) == uris


def test_nothing_else_is(images, tmp_path):
    (images / "out.png").symlink_to(tmp_path / "secret/x.png")
    (images / "away").symlink_to(tmp_path / "secret")
    outside = [
        *("/etc/passwd", "s3://attacker/x.jpg", "file:///etc/passwd", "http://attacker/x.jpg"),
        *(f"{tmp_path}/ab/x.png", f"{images}/../secret/x.png", f"{images}/out.png"),
        *(f"{images}/away/x.png", f"{images}/away/../../secret/x.png", str(images), ""),
        *(f"{images}x.png", "s3:/attacker/x.jpg", f"file://{images}/x.png"),
        f"{images}\0/x.png",
    ]
    table = Table(record_of(images))
    allowed = opened(table, outside)
    assert [uri for uri in allowed if Path(uri).is_file()] == []
    assert all(Path(os.path.realpath(uri)).is_relative_to(images) for uri in allowed)
    assert "/etc/passwd" not in allowed
    # Not by a prefix that is allowed either, which is a folder and no beginning of a name.
    assert [uri for uri in opened(Table(), outside, [str(images)]) if Path(uri).is_file()] == []


@pytest.mark.parametrize("prefix", ["s3://bucket/a", "s3://bucket/a/"])
def test_a_prefix_of_a_store_is_a_folder(prefix):
    inside = ["s3://bucket/a/x.jpg", "s3://bucket/a/b/../x.jpg"]
    outside = [
        *("s3://bucket/ab/x.jpg", "s3://bucket/a", "s3://other/a/x.jpg", "gs://bucket/a/x.jpg"),
        *("s3://bucket/a/../ab/x.jpg", "s3://bucket/a/../../other/a/x.jpg", "/a/x.jpg"),
    ]
    assert opened(Table(), inside + outside, [prefix]) == ["s3://bucket/a/x.jpg"] * 2


def test_a_root_that_this_user_did_not_sign_opens_nothing(images, monkeypatch, tmp_path):
    uri = f"{images}/x.png"
    forged = [
        {"input": {"root": "/", "signature": sign_root(str(images)).signature}},
        *({"input": {"root": "/", "signature": each}} for each in (None, "", 7, ["x"], "0" * 64)),
        *({"input": each} for each in (None, 7, "x", [], {}, {"root": None}, {"root": ["/"]})),
        *(None, 7, "x", [], {}),
    ]
    for record in forged:
        assert opened(Table(record), [uri, "/etc/passwd"]) == []
        assert opened(Table(record, record_of(images)), [uri, "/etc/passwd"]) == [uri]
    # Nor one that another user signed.
    theirs = record_of(images)
    monkeypatch.setenv("FROZEN_FEATURES_CACHE_KEY", str(tmp_path / "another.key"))
    assert signed_roots(Table(theirs).history()) == []
    assert opened(Table(theirs, record_of(images)), [uri]) == [uri]


def test_a_table_that_tells_no_root_is_told_of_in_one_line(images):
    rows = {
        name: StoredImage("data/x", "/etc/passwd", None, "train", "0", 1, 1) for name in ("a", "b")
    }
    assert images_of_rows(Table(), rows, []) == ([], [Unchecked("features", NO_ROOT)])
    assert images_of_rows(Table(), {}, []) == ([], [])


def test_a_place_that_is_not_opened_is_shown_without_its_secrets(images):
    uri = "s3://AKIA:secret@bucket/x.jpg?X-Amz-Signature=0123"
    rows = {"a.jpg": StoredImage("data/x", uri, None, "train", "0", 1, 1)}
    ((), (note,)) = images_of_rows(Table(record_of(images)), rows, [])
    assert note.where == "a.jpg"
    assert note.why.startswith("'s3://bucket/x.jpg' is not in the folder that was extracted")


def test_where_no_key_is_to_be_had_roots_stay_unsigned(images, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    for name in ("FROZEN_FEATURES_CACHE_KEY", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "file" / "key"))
    assert sign_root("/images").signature is None
    assert signed_roots(Table(record_of(images)).history()) == []


@pytest.mark.parametrize("place", ["http://host/x", "s3://", "s3:/b"])
def test_a_prefix_on_no_store_is_refused(place):
    with pytest.raises(UsageError):
        fence_around_root(place)


def test_the_root_of_an_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images.csv").touch()
    assert root_of("images") == str(tmp_path / "images")
    assert root_of(str(tmp_path / "images.csv")) == str(tmp_path)
    assert root_of("images.csv", "images") == str(tmp_path / "images")
    assert root_of("s3://bucket/a/b/") == "s3://bucket/a/b"
    assert root_of("s3://bucket/a/b.csv") == "s3://bucket/a"
    assert root_of("s3://bucket/a/b.csv", "s3://bucket") == "s3://bucket"


def test_a_signed_root_is_json(images):
    assert json.loads(json.dumps(record_of(images))) == record_of(images)
