from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tpuc_bmrt.convert import from_raw, to_stored
from tpuc_bmrt.runtime import End

from tpuc_core.errors import TpucError


def end(dtype: str, scale: float = 1.0, zero_point: int = 0) -> End:
    return End("x", dtype, (1, 4), scale, zero_point)


@pytest.mark.parametrize(
    ("dtype", "zero_point", "expected"),
    [("i8", 0, [-128, -3, 3, 127]), ("u8", 10, [0, 8, 13, 255])],
)
def test_halves_are_rounded_away_from_zero_and_saturated(dtype: str, zero_point: int, expected: list[int]) -> None:
    real = np.array([[-500, -1.25, 1.25, 500]], np.float32)
    assert to_stored(real, end(dtype, 2.0, zero_point)).tolist() == [expected]


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=4, max_size=4))
def test_bf16_is_rounded_to_the_nearest(values: list[float]) -> None:
    real = np.array([values], np.float32)
    expected = real.astype(ml_dtypes.bfloat16)
    stored = to_stored(real, end("bf16"))
    np.testing.assert_array_equal(stored, expected.view(np.uint16))
    np.testing.assert_array_equal(
        from_raw(stored.view(np.uint8).reshape(-1), end("bf16"), dequantize=True), expected.astype(np.float32)
    )


def test_integer_ends_take_integers_that_fit() -> None:
    assert to_stored(np.array([1, 2, 3, 4]), end("i32")).dtype == np.int32
    with pytest.raises(TpucError, match="outside int32"):
        to_stored(np.array([1, 2, 3, 1 << 40]), end("i32"))


def test_integers_of_another_type_are_refused() -> None:
    with pytest.raises(TpucError, match="is int64; give int8 as it is stored, or float32"):
        to_stored(np.array([1, 2, 3, 4]), end("i8"))


def test_a_wrong_size_names_both_shapes() -> None:
    with pytest.raises(TpucError, match=r"has shape \[5\], the net wants \[1, 4\]"):
        to_stored(np.zeros(5, np.float32), end("f32"))


def test_outputs_are_real_or_as_stored() -> None:
    raw = np.array([-2, 0, 2, 4], np.int8).view(np.uint8)
    assert from_raw(raw, end("i8", 0.5, 2), dequantize=True).tolist() == [[-2.0, -1.0, 0.0, 1.0]]
    assert from_raw(raw, end("i8", 0.5, 2), dequantize=False).dtype == np.int8


@pytest.mark.parametrize("values", [np.array([[3, -2, 0, 1]]), np.array([[True, False, False, True]])])
def test_integers_and_truth_values_are_real_numbers_for_a_net_of_floats(values: np.ndarray) -> None:
    stored = to_stored(values, end("f32"))
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, values)
