"""A quantised base is read as it was made, or not at all."""

import hashlib

import pytest

from pipelines.bases.quantised import quantised_path, read_quantised
from pipelines.errors import WeightsError

CONTENT = b"a base"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def place(tmp_path):
    path = tmp_path / quantised_path(NAME)
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def test_a_base_is_found_by_its_hash(place, tmp_path):
    assert read_quantised(str(tmp_path), NAME) == CONTENT
    assert read_quantised(f"{tmp_path}/", NAME) == CONTENT


def test_other_bytes_under_that_name_are_refused(place, tmp_path):
    place.write_bytes(b"b base")
    with pytest.raises(WeightsError, match="is not the quantised base"):
        read_quantised(str(tmp_path), NAME)


def test_a_base_that_is_gone_is_said_in_one_line(place, tmp_path):
    place.unlink()
    with pytest.raises(WeightsError, match=r"cannot be read from .*_base/.*put the file back"):
        read_quantised(str(tmp_path), NAME)
    with pytest.raises(WeightsError, match="no table that keeps it is known"):
        read_quantised(None, NAME)
