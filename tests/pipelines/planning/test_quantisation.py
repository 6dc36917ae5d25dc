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
from pipelines.engines.int8.quantising import Quantised
from pipelines.errors import UsageError
from pipelines.images.decode import pixel_spec
from pipelines.images.listing import list_images
from pipelines.images.loading import load_image
from pipelines.planning import quantisation
from pipelines.planning.job import make_contract
from pipelines.planning.quantisation import quantised_base
from pipelines.records import Difference
from pipelines.table.base_files import keep_base, kept_contracts
from tests.conftest import TINY

MADE = b"a quantised base"
QUANTISED = Quantised(MADE, b"the same in float32")
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
def measured(monkeypatch):
    """Every call of what measures the base, which is near."""
    calls = []
    near = Difference(0.0521, 0.0948, 20)
    monkeypatch.setattr(quantisation, "difference_on", lambda *call: calls.append(call) or near)
    return calls


@pytest.fixture
def asked(monkeypatch, measured):
    """Every call of the quantiser, which gives `MADE`."""
    calls = []
    monkeypatch.setattr(quantisation, "require_quantiser", lambda: None)
    monkeypatch.setattr(quantisation, "quantise", lambda *call: calls.append(call) or QUANTISED)
    monkeypatch.setattr(quantisation, "CALIBRATION_IMAGES", 20)
    monkeypatch.setattr(quantisation, "HELD_OUT_IMAGES", 10)
    return calls


def test_a_new_base_is_calibrated_on_a_seeded_sample_of_what_is_trained_on(
    contract, asked, measured, dataset, tmp_path, capsys
):
    refs = list_images(str(dataset))
    found = quantised_base(contract, str(tmp_path / "t"), refs, WEIGHTS, None)
    train = sorted((r for r in refs if r.split == "train"), key=lambda r: r.image_id)
    drawn = np.random.default_rng(0).permutation(len(train))[:30]
    drawn_pixels = [load_image(train[place], pixel_spec(contract)).pixels for place in drawn]
    ((of, _, pixels),) = asked
    assert of == contract
    np.testing.assert_array_equal(pixels, drawn_pixels[:20])
    # It is measured on images that its ranges know nothing of.
    ((base, held, _),) = measured
    assert base == QUANTISED
    np.testing.assert_array_equal(held, drawn_pixels[20:])
    assert capsys.readouterr().err.splitlines() == [
        "the base is quantised on 20 images, once for this table",
        "its features differ from float32's by 5.2 % in the median and 9.5 % at most on 20 images",
    ]
    assert found.contract.quantisation == Quantisation(
        "u8s7-channel-minmax-depthwise-float32",
        hashlib.sha256(MADE).hexdigest(),
        "20 of 48 images of split train, seed 0",
    )
    assert found.difference == Difference(0.0521, 0.0948, 20)
    assert found.content == MADE
    assert read_quantised(found.base_file, hashlib.sha256(MADE).hexdigest()) == MADE
    assert not (tmp_path / "t").exists()  # planning writes nothing into a table


def test_calibration_images_are_taken_instead(contract, asked, measured, dataset, tmp_path):
    own = list_images(str(dataset))
    other = str(dataset / "validation")
    found = quantised_base(contract, str(tmp_path / "t"), own, WEIGHTS, other)
    assert found.contract.quantisation.calibration == "14 of 20 calibration images, seed 0"
    all_of_them = [load_image(ref, pixel_spec(contract)).pixels for ref in list_images(other)]
    taken = [*asked[0][2], *measured[0][1]]
    assert len(taken) == 20
    assert {p.tobytes() for p in taken} == {p.tobytes() for p in all_of_them}


@pytest.mark.parametrize(
    ("base", "advice"),
    [("VGG16", "choose --compute_dtypes float32,int8"), ("keras-file", "train a head on a table")],
)
@pytest.mark.parametrize("median", [0.25, float("nan")])
def test_a_base_that_is_far_from_float32_is_told_with_what_to_do(
    contract, asked, dataset, tmp_path, monkeypatch, capsys, base, advice, median
):
    far = Difference(median, 0.3, 2)
    monkeypatch.setattr(quantisation, "difference_on", lambda *_: far)
    of_it = replace(contract, base=base)
    quantised_base(of_it, str(tmp_path / "t"), list_images(str(dataset)), WEIGHTS, None)
    *_, warning = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: that is far")
    assert advice in warning


def test_few_images_are_all_measured_on(contract, asked, measured, dataset, tmp_path):
    refs = list_images(str(dataset))[:2]
    quantised_base(contract, str(tmp_path / "t"), refs, WEIGHTS, None)
    assert len(asked[0][2]) == 2
    np.testing.assert_array_equal(measured[0][1], asked[0][2])


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
