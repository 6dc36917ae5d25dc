import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.table.precision import round_mantissa

finite = st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)


@given(arrays(np.float32, 20, elements=finite))
def test_bfloat16_is_what_ml_dtypes_rounds_to(values):
    import ml_dtypes

    expected = values.astype(ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(round_mantissa(values, "bfloat16"), expected)


@given(arrays(np.float32, 20, elements=st.floats(2**-13, 60_000, width=32)))
def test_float16_is_what_numpy_rounds_to_in_its_range(values):
    expected = values.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(round_mantissa(values, "float16"), expected)


def test_float16_keeps_values_beyond_its_own_range():
    rounded = round_mantissa(np.array([1e6 + 1, 1e-9], np.float32), "float16")
    np.testing.assert_allclose(rounded, [1e6, 1e-9], rtol=2**-11)


@given(arrays(np.float32, 20, elements=finite), st.sampled_from(["float16", "bfloat16"]))
def test_rounding_twice_changes_nothing(values, precision):
    once = round_mantissa(values, precision)
    np.testing.assert_array_equal(round_mantissa(once, precision), once)


def test_float32_is_left_alone():
    values = np.array([0.1, 1 / 3], np.float32)
    assert round_mantissa(values, "float32") is values


def test_another_precision_is_an_error():
    with pytest.raises(KeyError):
        round_mantissa(np.zeros(1, np.float32), "int8")
