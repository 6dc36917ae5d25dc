"""Who may have written a file is told by access control lists too."""

import os
import struct

import pytest

from pipelines.system.owners import others_read, others_wrote

STRANGER = 65_533
OWNER, USER, GROUP, MASK, OTHER = 1, 2, 4, 16, 32
NOBODY = 2**32 - 1


def grant(path, right: int) -> None:
    """Give a right to a user who is neither the owner nor of the group, as setfacl does."""
    entries = [(OWNER, 6, NOBODY), (USER, right, STRANGER), (GROUP, 0, NOBODY)]
    entries += [(MASK, right, NOBODY), (OTHER, 0, NOBODY)]
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", value)
    except OSError as error:
        pytest.skip(f"this disk has no access control lists: {error}")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0o600)
    return path


def test_a_user_on_a_list_may_write(file):
    assert others_wrote(file) is None
    grant(file, 6)
    assert "setfacl -b helps" in str(others_wrote(file))
    assert others_read(file)


def test_a_user_on_a_list_may_only_read(file):
    assert not others_read(file)
    grant(file, 4)
    assert others_wrote(file) is None
    assert others_read(file)


def test_a_list_without_rights_gives_none(file):
    grant(file, 0)
    assert others_wrote(file) is None
    assert not others_read(file)
