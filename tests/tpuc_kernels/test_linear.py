"""Fused linear operations: against numpy, plain C against SIMD."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32
from tpuc_kernels import linear

property_test = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)


@property_test
@given(seeds)
def test_each_step_is_rounded_to_the_kind(every_path, seed):
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float16)[seed % 2]
    a, b, c = (rng.uniform(0.5, 2, shape).astype(dtype) for shape in ((2, 3, 7, 9), 3, 3))
    columns = b.reshape(1, 3, 1, 1), c.reshape(1, 3, 1, 1)
    assert np.array_equal(every_path(lambda: linear.mac(a, b, c)), a * columns[0] + columns[1])
    assert np.array_equal(every_path(lambda: linear.square_sum(a, b)), (a + columns[0]) * (a + columns[0]))
    assert np.array_equal(every_path(lambda: linear.square_difference(a, b)), (a - columns[0]) * (a - columns[0]))


@property_test
@given(seeds)
def test_paths_agree_on_any_bits(every_path, seed):
    rng = np.random.default_rng(seed)
    a, b, c = (f32(rng, shape) for shape in ((1, 3, 7, 50), (3,), (3,)))
    halves = rng.integers(0, 1 << 16, (1, 3, 7, 50)).astype(np.uint16)
    every_path(lambda: linear.mac(a, b, c))
    every_path(lambda: linear.square_difference(a, b))
    every_path(lambda: linear.mac(halves, halves[0, :, 0, 0], halves[0, :, 0, 1], bf16=True))


def test_a_nan_of_a_narrow_kind_has_no_sign(every_path):
    x = np.full((1, 1, 1, 20), 0xFE01, np.uint16).view(np.float16)
    y = every_path(lambda: linear.mac(x, np.float16(1), np.float16(0)))
    assert set(y.view(np.uint16).ravel().tolist()) == {0x7FFF}


def test_integers_are_refused():
    with pytest.raises(ValueError, match="floats of one kind"):
        linear.mac(np.ones((1, 2, 3, 4), np.int8), 1, 1)
