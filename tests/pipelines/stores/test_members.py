"""Addresses of members, and a tar's members read by them."""

import io
import os
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stores.members import KINDS, Member
from pipelines.stores.objects import TooLargeError
from pipelines.stores.reading import read_bytes, sha256_of

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=()), min_size=1)
FILES = st.binary(min_size=1).filter(lambda name: b"\0" not in name).map(os.fsdecode)
"""What a file system can give for a name; what is in an archive may call itself anything."""


@given(
    st.sampled_from(sorted(KINDS)),
    FILES | NAMES.filter(str.isprintable),
    st.integers(0),
    st.integers(0),
    NAMES,
)
def test_an_address_says_all_of_its_member(kind, file, start, count, name):
    member = Member(kind, file, start, count, name)
    assert Member.of(member.uri) == member


@pytest.mark.parametrize("uri", ["/data/tar:x.tar#1+2:a", "s3://b/x.tar#1+2:a", "rar:/x#1+2:a"])
def test_files_are_no_members(uri):
    assert Member.of(uri) is None


def archive(path, form, files):
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with tarfile.open(path) as tar:
        return [Member("tar", str(path), each.offset_data, each.size, each.name) for each in tar]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_read_by_their_place(tmp_path, form):
    files = {"a/1.jpg": b"one", "ä/2.jpg": b"", f"{'deep/' * 18}3.jpg": b"3" * 2000}
    members = archive(tmp_path / "x#1%.tar", form, files)
    assert {each.name: read_bytes(each.uri) for each in members} == files
    with pytest.raises(TooLargeError, match="2,000 bytes are more than the 1,999"):
        read_bytes(members[2].uri, 1999)


@pytest.mark.parametrize(
    "now", [{"b.jpg": b"one"}, {"a.jpg": b"four"}, {"0.jpg": b"0", "a.jpg": b"one"}]
)
def test_an_archive_that_was_replaced_is_noticed(tmp_path, now):
    (member,) = archive(tmp_path / "x.tar", tarfile.USTAR_FORMAT, {"a.jpg": b"one"})
    archive(tmp_path / "x.tar", tarfile.USTAR_FORMAT, now)
    for read in (read_bytes, sha256_of):
        with pytest.raises(OSError, match="was changed since it was listed"):
            read(member.uri)


def test_an_archive_that_ends_too_early(tmp_path):
    (member,) = archive(tmp_path / "x.tar", tarfile.USTAR_FORMAT, {"a.jpg": b"1" * 700})
    whole = (tmp_path / "x.tar").read_bytes()
    (tmp_path / "x.tar").write_bytes(whole[:1000])
    with pytest.raises(OSError, match=r"ends in the middle of a\.jpg"):
        read_bytes(member.uri)
    (tmp_path / "x.tar").unlink()
    with pytest.raises(FileNotFoundError):
        read_bytes(member.uri)
