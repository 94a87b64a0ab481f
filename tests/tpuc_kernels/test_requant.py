"""Requantization: against fractions, plain C against SIMD, edges of 64 bits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from exact import rounded, saturated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32, integers
from tpuc_kernels import requant

property_test = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)
SHAPES = [(2, 5, 3, 7), (1, 70, 1, 1), (1, 3, 20, 40), (4, 1, 1, 9)]


def random_case(seed: int, kinds: tuple[type, ...]) -> tuple[np.random.Generator, np.ndarray, int, list[np.ndarray]]:
    """x, a rounding mode, and (multiplier, shift, zero point): one for all, or one a channel."""
    rng = np.random.default_rng(seed)
    shape = SHAPES[seed % len(SHAPES)]
    count = shape[1] if rng.random() < 0.7 else 1
    multiplier = integers(rng, (count,), np.int32) >> int(rng.integers(0, 31))
    shift, zero_point = rng.integers(-63, 4, count).astype(np.int8), rng.integers(-300, 300, count).astype(np.int32)
    return (
        rng,
        integers(rng, shape, kinds[rng.integers(len(kinds))]),
        int(rng.integers(0, 7)),
        [multiplier, shift, zero_point],
    )


def by_fractions(function, x: np.ndarray, *parameters: np.ndarray) -> np.ndarray:
    columns = [p.reshape(1, -1, 1, 1) for p in parameters]
    return np.frompyfunc(lambda *v: function(*(int(k) for k in v)), 1 + len(columns), 1)(x, *columns)


@property_test
@given(seeds)
def test_requantize_int_is_exact_up_to_one_rounding(every_path, seed):
    rng, x, mode, parameters = random_case(seed, (np.int16, np.uint16, np.int32))
    dtype = (np.int8, np.uint8, np.int16, np.uint16)[rng.integers(4)]
    y = every_path(lambda: requant.requantize_int(x, *parameters, dtype, mode))
    exact = by_fractions(lambda v, m, s, z: rounded(v * m * Fraction(2) ** s, mode) + z, x, *parameters)
    assert y.dtype == dtype and np.array_equal(y, saturated(exact, dtype))


@property_test
@given(seeds)
def test_dequantize_int_is_exact_up_to_one_rounding(every_path, seed):
    _, x, mode, (multiplier, shift, zero_point) = random_case(seed, (np.int8, np.uint8, np.int16, np.uint16))
    for dtype in (np.int8, np.uint16, np.int32):
        y = every_path(lambda dtype=dtype: requant.dequantize_int(x, multiplier, shift, zero_point, dtype, mode))
        exact = by_fractions(
            lambda v, m, s, z: rounded((v - z) * m * Fraction(2) ** s, mode), x, multiplier, shift, zero_point
        )
        assert np.array_equal(y, saturated(exact, dtype))


@property_test
@given(seeds)
def test_float_requantization_equals_numpy(every_path, seed):
    rng, x, _, (_, _, zero_point) = random_case(seed, (np.int8, np.uint8, np.int16))
    scale = (rng.random(zero_point.size) + 0.01).astype(np.float32)
    column = scale.reshape(1, -1, 1, 1)
    y = every_path(lambda: requant.dequantize_float(x, zero_point, scale))
    assert np.array_equal(y, (x - zero_point.reshape(1, -1, 1, 1)).astype(np.float32) * column)
    y = every_path(lambda: requant.requantize_float(x.astype(np.int32), scale, np.float32(0.5), np.int8))
    assert np.array_equal(y, saturated(np.rint(x.astype(np.float32) * column + np.float32(0.5)), np.int8))


@property_test
@given(seeds)
def test_paths_agree_on_any_floats(every_path, seed):
    rng, x, mode, _ = random_case(seed, (np.int16, np.int32))
    scale, offset = f32(rng, (x.shape[1],)), f32(rng, (x.shape[1],))
    every_path(lambda: requant.requantize_float(x, scale, offset, np.uint8, mode, mode % 5))
    every_path(lambda: requant.dequantize_float(x.astype(np.int16), 3, scale, mode))


EDGES = {  # x, multiplier, shift, zero point, rounding -> i16
    "half away from zero": (-5, 1, -1, 0, 1, -3),
    "half to even": (-5, 1, -1, 0, 0, -2),
    "the greatest product and shift": (-(2**31), -(2**31), -63, 0, 1, 1),
    "a shift beyond 63 is one of 63": (-(2**31), -(2**31), -90, 0, 1, 1),
    "to the left by the shift modulo 64": (3, 1, 64 + 2 - 128, 0, 0, 0),
    "to the left it wraps in 64 bits": (2**31 - 1, 2**31 - 1, 62, 0, 0, 32767),
    "the zero point does not wrap": (-(2**31), 1, 32, -5, 0, -32768),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges_of_requantize_int(every_path, name):
    x, multiplier, shift, zero_point, mode, expected = EDGES[name]
    y = every_path(
        lambda: requant.requantize_int(
            np.full((1, 1, 1, 21), x, np.int32), multiplier, shift, zero_point, np.int16, mode
        )
    )
    assert set(y.ravel().tolist()) == {expected}


def test_a_32_bit_result_of_requantization_has_the_range_of_16_bits():
    x = np.array([[[[-100000, 100000]]]], np.int32)
    assert requant.requantize_int(x, 1, 0, 0, np.int32).ravel().tolist() == [-32768, 32767]
    assert requant.requantize_int(x, 1, 0, 0, np.uint32).ravel().tolist() == [0, 65535]


def test_nan_becomes_zero(every_path):
    y = every_path(lambda: requant.requantize_float(np.ones((1, 1, 1, 9), np.int32), np.float32(np.nan)))
    assert not y.any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: requant.requantize_int(np.ones((1, 2, 1, 1), np.int8), 1, 0), "i16 or u16 or i32 would be right"),
        (
            lambda: requant.requantize_int(np.ones((1, 2, 1, 1), np.int32), np.ones(3, np.int32), 0),
            "3 values for 2 channels",
        ),
        (
            lambda: requant.requantize_int(np.ones((1, 2, 1, 1), np.int32), 1, 0, dtype=np.float32),
            "an integer would be right",
        ),
        (
            lambda: requant.requantize_float(np.ones((1, 2, 1, 1), np.int32), 1.0, float_rounding=5),
            "no such rounding mode",
        ),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
