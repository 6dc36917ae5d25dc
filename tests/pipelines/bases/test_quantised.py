"""A quantised base is read as it was made, or not at all."""

import hashlib
from dataclasses import replace

import pytest

from pipelines.bases.quantised import quantised_at, quantised_path, read_quantised
from pipelines.contract import Quantisation
from pipelines.errors import WeightsError
from tests.pipelines.test_contract import CONTRACT

CONTENT = b"a base"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def place(tmp_path):
    path = tmp_path / quantised_path(NAME)
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def test_a_base_is_found_by_its_hash(place, tmp_path):
    assert read_quantised(str(place), NAME) == CONTENT
    quantised = replace(CONTRACT, quantisation=Quantisation("u8s7-channel-minmax", NAME, "some"))
    for folder in (str(tmp_path), f"{tmp_path}/"):
        assert read_quantised(quantised_at(folder, quantised), NAME) == CONTENT
    assert quantised_at(None, quantised) is None
    assert quantised_at(str(tmp_path), CONTRACT) is None


def test_other_bytes_under_that_name_are_refused(place, tmp_path):
    place.write_bytes(b"b base")
    with pytest.raises(WeightsError, match="is not the quantised base"):
        read_quantised(str(place), NAME)


def test_a_base_that_is_gone_is_said_in_one_line(place, tmp_path):
    place.unlink()
    with pytest.raises(WeightsError, match=r"cannot be read from .*_base/.*put the file back"):
        read_quantised(str(place), NAME)
    with pytest.raises(WeightsError, match="no table that keeps it is known"):
        read_quantised(None, NAME)
