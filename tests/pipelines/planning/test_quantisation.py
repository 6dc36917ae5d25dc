"""Which quantised base a run takes: its table's, one that lies ready, or one that it makes."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.bases import WeightsRequest
from pipelines.bases.quantised import read_quantised
from pipelines.contract import Contract, Quantisation
from pipelines.engines.int8 import quantising
from pipelines.errors import UsageError
from pipelines.images.decode import pixel_spec
from pipelines.images.listing import list_images
from pipelines.images.loading import load_image
from pipelines.planning import quantisation
from pipelines.planning.job import make_contract
from pipelines.planning.quantisation import quantised_base
from pipelines.table.base_files import keep_base, kept_contracts
from tests.conftest import TINY

MADE = b"a quantised base"
WEIGHTS = WeightsRequest("random", seed=1)


@pytest.fixture
def contract():
    return Contract(
        base="VGG16",
        weights="0" * 64,
        image_size=32,
        interpolation="bilinear",
        orientation="ignored",
        preprocessing="imagenet",
        layer="block5_pool",
        pooling="none",
        compute_dtype="int8",
        precision="float32",
    )


@pytest.fixture
def asked(monkeypatch):
    """Every call of the quantiser, which gives `MADE`."""
    calls = []
    monkeypatch.setattr(quantisation, "require_quantiser", lambda: None)
    monkeypatch.setattr(quantisation, "quantise", lambda *call: calls.append(call) or MADE)
    monkeypatch.setattr(quantisation, "CALIBRATION_IMAGES", 20)
    return calls


def test_a_new_base_is_calibrated_on_a_seeded_sample_of_what_is_trained_on(
    contract, asked, dataset, tmp_path
):
    refs = list_images(str(dataset))
    found = quantised_base(contract, str(tmp_path / "t"), refs, WEIGHTS, None)
    train = sorted((r for r in refs if r.split == "train"), key=lambda r: r.image_id)
    drawn = np.random.default_rng(0).permutation(len(train))[:20]
    wanted = [load_image(train[place], pixel_spec(contract)).pixels for place in drawn]
    ((of, _, pixels),) = asked
    assert of == contract
    np.testing.assert_array_equal(pixels, wanted)
    assert found.contract.quantisation == Quantisation(
        "u8s7-channel-minmax",
        hashlib.sha256(MADE).hexdigest(),
        "20 of 48 images of split train, seed 0",
    )
    assert found.content == MADE
    assert read_quantised(found.base_file, hashlib.sha256(MADE).hexdigest()) == MADE
    assert not (tmp_path / "t").exists()  # planning writes nothing into a table


def test_calibration_images_are_taken_instead(contract, asked, dataset, tmp_path):
    own = list_images(str(dataset))
    other = str(dataset / "validation")
    found = quantised_base(contract, str(tmp_path / "t"), own, WEIGHTS, other)
    assert found.contract.quantisation.calibration == "20 of 20 calibration images, seed 0"
    all_of_them = [load_image(ref, pixel_spec(contract)).pixels for ref in list_images(other)]
    assert {p.tobytes() for p in asked[0][2]} == {p.tobytes() for p in all_of_them}


def test_a_base_that_a_broken_run_left_is_taken_for_the_same_contract_only(
    contract, asked, dataset, tmp_path
):
    kept = replace(contract, quantisation=Quantisation("u8s7-channel-minmax", "0" * 64, "some"))
    keep_base(str(tmp_path), kept, MADE)
    refs = list_images(str(dataset))
    found = quantised_base(contract, str(tmp_path), refs, WEIGHTS, None)
    assert (found.contract, found.content, asked) == (kept, None, [])
    other = replace(contract, pooling="max")
    found = quantised_base(other, str(tmp_path), refs, WEIGHTS, None)
    assert found.contract.pooling == "max"
    assert found.content == MADE


def test_records_that_are_not_what_their_name_says_are_passed_over(contract, tmp_path):
    kept = replace(contract, quantisation=Quantisation("u8s7-channel-minmax", "0" * 64, "some"))
    keep_base(str(tmp_path), kept, MADE)
    assert kept_contracts(str(tmp_path)) == [kept]
    (record,) = Path(tmp_path / "_base").glob("*.json")
    record.write_bytes(record.read_bytes().replace(b"some", b"more"))
    Path(tmp_path / "_base" / f"{hashlib.sha256(b'{}').hexdigest()}.json").write_bytes(b"{}")
    assert kept_contracts(str(tmp_path)) == []


def test_no_usable_image_is_one_line(contract, asked, tmp_path):
    with pytest.raises(UsageError, match="no image can be used to quantise"):
        quantised_base(contract, str(tmp_path), [], WEIGHTS, None)


def test_calibration_is_for_int8_alone():
    with pytest.raises(UsageError, match="--calibration is for --compute_dtype int8"):
        make_contract(replace(TINY, calibration="somewhere"))


def test_what_quantises_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr(quantising, "_NEEDED", ("onnx", "no_such_package"))
    said = r"needs no_such_package to quantise the base; pip install 'frozen-features\[int8\]'"
    with pytest.raises(UsageError, match=said):
        quantising.require_quantiser()
