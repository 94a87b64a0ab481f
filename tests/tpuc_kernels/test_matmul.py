"""Matrix multiply: against sums in numpy, plain C against SIMD, one thread against two, edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32, integers
from tpuc_kernels import matmul

property_test = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)


def random_sizes(seed: int) -> tuple[np.random.Generator, int, int, int]:
    rng = np.random.default_rng(seed)
    m, k, n = (int(v) for v in rng.integers(1, [40, 700 if seed % 5 == 0 else 60, 70]))
    return rng, m, k, n


@property_test
@given(seeds)
def test_f32_sums_in_the_order_of_the_chip(every_path, seed):
    rng, m, k, n = random_sizes(seed)
    left, right, bias, old = (rng.standard_normal(s).astype(np.float32) for s in ((m, k), (k, n), (n,), (m, n)))
    terms = [np.broadcast_to(bias, (m, n))] + ([old] if seed % 2 else []) + [left[:, i, None] * right[None, i] for i in range(k)]
    sums = [np.zeros((m, n), np.float32)] * 2
    for t, term in enumerate(terms):
        sums[t % 2] = sums[t % 2] + term
    y = every_path(lambda: matmul.mm_f32(left, right, bias, old if seed % 2 else None))
    assert y.tobytes() == (sums[1] + sums[0]).tobytes()


@property_test
@given(seeds)
def test_f32_paths_agree_on_any_bits(every_path, seed):
    rng, m, k, n = random_sizes(seed)
    left, right, bias, old = (f32(rng, s) for s in ((m, k), (k, n), (n,), (m, n)))
    every_path(lambda: matmul.mm_f32(left, right, bias, old if seed % 2 else None))


def test_the_left_nan_passes(every_path):
    left, right = np.array([[0x7F800001]], np.uint32).view(np.float32), np.full((1, 20), 0xFFC00005, np.uint32).view(np.float32)
    y = every_path(lambda: matmul.mm_f32(left, right))
    assert set(y.view(np.uint32).ravel().tolist()) == {0x7FC00001}


@property_test
@given(seeds)
def test_integer_sums_wrap(every_path, seed):
    rng, m, k, n = random_sizes(seed)
    kinds = [np.dtype(v) for v in rng.choice(["int8", "uint8", "int16", "uint16"], 2)]
    left, right = integers(rng, (m, k), kinds[0]), integers(rng, (k, n), kinds[1])
    y = every_path(lambda: matmul.mm_int8(left, right))
    assert np.array_equal(y.view(np.uint32), (left.astype(np.int64) @ right.astype(np.int64)).astype(np.uint32))


@property_test
@given(seeds)
def test_mm2_subtracts_zero_points_and_adds_the_old_result(every_path, seed):
    rng, m, k, n = random_sizes(seed)
    kinds = [np.int8 if v else np.uint8 for v in rng.integers(0, 2, 2)]
    left, right = integers(rng, (m, k), kinds[0]), integers(rng, (n, k), kinds[1]).T
    zero = integers(rng, ((), (1, n), (k, 1), (k, n))[seed % 4], kinds[1])
    old = integers(rng, (m, n), np.int32)
    y = every_path(lambda: matmul.mm2_int8(left, right, right_zero_point=zero, old=old))
    exact = left.astype(np.int64) @ (right.astype(np.int64) - zero.astype(np.int64)) + old
    assert np.array_equal(y.view(np.uint32), exact.astype(np.uint32))


@pytest.mark.parametrize(("shift", "relu", "result", "expected"), [(0, False, np.int8, [-128, 127]), (3, False, np.int8, [-56, 65]),
                                                                  (3, True, np.uint8, [0, 65]), (0, True, np.uint8, [0, 255])])
def test_fused_requantize(shift, relu, result, expected):
    left, right = np.array([[100, 20]], np.int8), np.array([[-5, 5], [2, 1]], np.int8)
    y = matmul.mm_int8_requantized(left, right, [8, 0], shift=shift, relu=relu, result=result)
    assert y.tolist() == [expected]


def test_packed_left_matrices_are_used_in_place_of_the_array():
    rng = np.random.default_rng(1)
    left, right = integers(rng, (9, 33), np.int8), integers(rng, (33, 20), np.uint8)
    assert np.array_equal(matmul.mm_int8(matmul.pack_left_int8(left), right), matmul.mm_int8(left, right))
    a, b = left.astype(np.float32), right.astype(np.float32)
    assert np.array_equal(matmul.mm_f32(matmul.pack_left_f32(a), b), matmul.mm_f32(a, b))


def test_sizes_that_do_not_meet_are_refused():
    with pytest.raises(ValueError, match=r"\[m, k\] and \[k, n\] would be right"):
        matmul.mm_f32(np.ones((2, 3), np.float32), np.ones((4, 5), np.float32))
