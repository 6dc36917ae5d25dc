"""The quantised base itself: the same bytes, weights of seven bits, the same numbers on any x86."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from pipelines.bases.quantised import quantised_at
from pipelines.contract import SCHEMES, Quantisation
from pipelines.engines import trial
from pipelines.engines.int8.quantising import quantise
from pipelines.engines.opening import open_base_of, open_engine
from pipelines.engines.openvino_engine import QUANTISED_FILE, OpenVinoEngine
from pipelines.engines.request import Computation
from pipelines.engines.trial import largest_error
from pipelines.errors import UsageError, WeightsError
from pipelines.planning.job import make_contract
from pipelines.table.base_files import keep_base
from tests.conftest import TINY

pytestmark = pytest.mark.acceptance

SIZE = 32


@pytest.fixture(scope="module")
def pixels():
    """Blots of colour, uint8 (24, 32, 32, 3): ranges of noise are those of nothing."""
    coarse = np.random.default_rng(0).integers(0, 256, (24, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def contract():
    return make_contract(TINY)


@pytest.fixture(scope="module")
def content(contract, pixels):
    return quantise(contract, TINY.weights, pixels[:16]).content


@pytest.fixture
def asked(contract, content, tmp_path):
    name = hashlib.sha256(content).hexdigest()
    quantisation = Quantisation(SCHEMES[-1], name, "16 blots")
    quantised = replace(contract, compute_dtype="int8", quantisation=quantisation)
    keep_base(str(tmp_path / "table"), quantised, content)
    return Computation(
        *(quantised, TINY.weights, 8, 2), base_file=quantised_at(str(tmp_path / "table"), quantised)
    )


def test_the_same_images_give_the_same_bytes(contract, content, pixels):
    # Whatever was built in between, by whose number Keras names layers.
    again = quantise(replace(contract, interpolation="nearest"), TINY.weights, pixels[:16]).content
    assert again == content
    assert quantise(contract, TINY.weights, pixels[16:]).content != content


def test_all_convolutions_have_weights_of_seven_bits(contract, content):
    import onnx
    from onnx.numpy_helper import to_array

    tensors = {t.name: to_array(t) for t in onnx.load_from_string(content).graph.initializer}
    weights = [t for t in tensors.values() if t.dtype == np.int8 and t.ndim == 4]
    assert len(weights) == 13
    for each in weights:
        assert each.min() >= -64
        assert each.max() <= 64
        assert (np.abs(each).max(axis=(1, 2, 3)) == 64).all()  # each channel has its own scale
    floats = open_base_of(contract, TINY.weights).model.get_weights()[0].transpose(3, 2, 0, 1)
    scales = np.abs(floats).max(axis=(1, 2, 3), keepdims=True) / 64
    np.testing.assert_array_equal(weights[0], np.rint(floats / scales))


@pytest.mark.parametrize("level", ["AVX2", "AVX512_CORE"])
def test_processors_without_vnni_give_the_same_to_the_bit(
    content, pixels, tmp_path, monkeypatch, level
):
    (tmp_path / QUANTISED_FILE).write_bytes(content)
    here = OpenVinoEngine(tmp_path, 1, 8).extract(pixels[:8])
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", level)
    there = trial.try_conversion("openvino", tmp_path, 1, 8, pixels[:8])
    np.testing.assert_array_equal(there, here)


def test_features_are_the_base_s_within_what_eight_bits_cost(asked, contract, pixels):
    quantised = open_engine(asked.by("openvino"))
    plain = open_engine(Computation(contract, TINY.weights, 8, 2).by("keras"))
    found, wanted = quantised.extract(pixels[16:]), plain.extract(pixels[16:])
    assert quantised.feature_shape == plain.feature_shape
    assert 0 < largest_error(found, wanted) < 0.2
    # An image's features depend on the image alone.
    np.testing.assert_array_equal(quantised.extract(pixels[20:21])[0], found[4])


def test_a_base_that_is_not_the_contract_s_is_not_run(asked, tmp_path):
    (file,) = (tmp_path / "table" / "_base").glob("*.onnx")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="is not the quantised base"):
        open_engine(replace(asked, batch_size=7).by("openvino"))
    with pytest.raises(UsageError, match="--engine keras does not compute in int8"):
        open_engine(asked.by("keras"))
