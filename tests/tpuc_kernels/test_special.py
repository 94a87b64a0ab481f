"""Series, reciprocal square root, exponents: against numpy step by step, plain C against SIMD."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32
from tpuc_kernels import elementwise, special

property_test = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)


@property_test
@given(seeds)
def test_a_series_is_rounded_after_every_product_and_sum(every_path, seed):
    rng = np.random.default_rng(seed)
    count, dtype = int(rng.integers(2, 14)), (np.float32, np.float16)[seed % 2]
    x = rng.uniform(-1.5, 1.5, (2, 3, 11, 5)).astype(dtype)
    series = rng.uniform(0.5, 2, (3, count)).astype(dtype)
    y = every_path(lambda: special.taylor(x, series))
    columns = series.T.reshape(count, 1, 3, 1, 1)
    expected = np.broadcast_to(columns[-1], x.shape).astype(dtype)
    for c in columns[-2::-1]:
        expected = expected * x + c
    assert y.dtype == dtype and np.array_equal(y, expected)
    assert np.array_equal(special.taylor(x[:, :1], series[0]), y[:, :1])


@property_test
@given(seeds)
def test_paths_agree_on_any_bits(every_path, seed):
    rng = np.random.default_rng(seed)
    x, c = f32(rng, (1, 3, 7, 50)), f32(rng, (3, 6))
    halves = rng.integers(0, 1 << 16, (1, 3, 7, 50)).astype(np.uint16)
    every_path(lambda: special.taylor(x, c))
    narrow = rng.uniform(-9, 9, (3, 6)).astype(np.float16)
    every_path(lambda: special.taylor(halves.view(np.float16), narrow))
    every_path(lambda: special.taylor(halves, halves[0, :, 0, :5], bf16=True))
    every_path(lambda: special.rsqrt(x, seed % 4 + 1))
    every_path(lambda: special.normalize(x))
    every_path(lambda: special.normalize(halves, np.int16, bf16=True))


def test_rsqrt_comes_close(every_path):
    x = np.geomspace(1e-30, 1e30, 1000).astype(np.float32)
    for iterations, error in ((1, 2e-3), (2, 5e-6), (3, 3e-7)):
        y = every_path(lambda iterations=iterations: special.rsqrt(x, iterations))
        assert np.abs(y * np.sqrt(x.astype(float)) - 1).max() < error
    quotient = elementwise.binary("div", np.float32(3), x, rounding=3)
    assert np.abs(quotient * x.astype(float) / 3 - 1).max() < 1e-6


def test_normalize_gives_the_power_of_two_that_is_nearest_in_ratio():
    x = np.array([1.0, 1.3, 1.34, 1.9, -1.9, 6.0, 0.25], np.float32)
    assert special.normalize(x).tolist() == [1.0, 1.0, 2.0, 2.0, -1.0, 8.0, 0.25]
    assert special.normalize(x, np.int32).tolist() == [127, 127, 128, 128, 127, 130, 125]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: special.taylor(np.ones((1, 2), np.float32), [1.0]), "two coefficients or more"),
        (lambda: special.taylor(np.ones((1, 2), np.int8), [1, 2]), "floats and two"),
        (lambda: special.rsqrt(np.ones(3, np.float16)), "float32 and 1 to 4"),
        (lambda: special.normalize(np.ones(3, np.float16), np.int32), "an integer of its size"),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
