"""The block adder of f16 and bf16 products (convolution, MM2): against exact fractions, plain C against SIMD, edges."""

from __future__ import annotations

from fractions import Fraction
from math import floor, frexp, ldexp

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32, halves
from tpuc_kernels import conv, matmul
from windows import random_window

property_test = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)
KINDS = {"f16": (matmul.mm2_f16, conv.conv_f16, np.float16), "bf16": (matmul.mm2_bf16, conv.conv_bf16, np.uint16)}


def wide(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.float16:
        return values.astype(np.float32)
    return (values.astype(np.uint32) << 16).view(np.float32)


def block_sum(products: list[Fraction]) -> Fraction:
    """Each product cut towards zero to a multiple of 2^(E - 24); the sum is exact."""
    largest = max(abs(p) for p in products)
    if largest == 0:
        return Fraction(0)
    unit = Fraction(2) ** (frexp(float(largest))[1] - 1 - 24)
    return sum(((-1 if p < 0 else 1) * floor(abs(p) / unit) for p in products), Fraction(0)) * unit


def nearest_f32(value: Fraction) -> Fraction:
    """Rounded to 24 bits, half to even, for numbers in the normal range."""
    if value == 0:
        return value
    exponent = frexp(float(value))[1] - 24
    unit = Fraction(2) ** exponent
    return round(value / unit) * unit


@property_test
@given(seeds)
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_32_products_are_cut_added_exactly_and_rounded_once(every_path, kind, seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 100))
    values = (rng.standard_normal((2, k)) * 2.0 ** rng.integers(-12, 12, (2, k))).astype(np.float32)
    left, right = values.astype(np.float16) if kind == "f16" else (values.view(np.uint32) >> 16).astype(np.uint16)
    products = [Fraction(float(a)) * Fraction(float(b)) for a, b in zip(wide(left), wide(right), strict=True)]
    total = Fraction(0)
    for first in range(0, k, 32):
        total = nearest_f32(total + nearest_f32(block_sum(products[first : first + 32])))
    y = every_path(lambda: KINDS[kind][0](left[None], np.repeat(right[:, None], 9, axis=1), result="f32"))
    assert y.tolist() == [[float(total)] * 9]


@property_test
@given(seeds)
@pytest.mark.parametrize("kind", KINDS)
def test_paths_agree_on_any_bits(every_path, kind, seed):
    rng = np.random.default_rng(seed)
    multiply, convolve, _ = KINDS[kind]
    m, k, n = (int(v) for v in rng.integers(1, [12, 150, 40]))
    left, right, old = halves(rng, (m, k), kind), halves(rng, (k, n), kind), f32(rng, (m, n))
    every_path(lambda: multiply(left, right))
    every_path(lambda: multiply(left, right, old=old, result="f32"))

    win = random_window(rng)
    batch, ic, oc = (int(v) for v in rng.integers(1, [3, 70, 9]))
    x, w, pad, insert = (halves(rng, s, kind) for s in ((batch, ic, *win.size), (oc, ic, *win.kernel), (ic,), (ic,)))
    bias, old = f32(rng, (oc,)), f32(rng, (batch, oc, *win.out))
    result = kind if seed % 2 else "f32"
    every_path(lambda: convolve(x, w, bias, old if seed % 3 else None, pad_value=pad, insert_value=insert, result=result, **win.keywords()))


def f16(*values: float) -> np.ndarray:
    return np.array(values, np.float16)


EDGES = {  # left, right, result in f32 bits
    "an infinity wins over a NaN": (f16(np.inf, np.nan), f16(1, 1), 0x7F800000),
    "two unlike infinities": (f16(np.inf, -np.inf), f16(1, 1), 0xFFC00000),
    "a NaN": (f16(np.nan, 5), f16(1, 1), 0xFFC00000),
    "infinity times zero": (f16(np.inf), f16(0), 0xFFC00000),
    "denormals are exact": (f16(2**-24), f16(2**-24), 0x27800000),
    "what the largest product cuts off": (f16(4096, 2**-12, 2**-12), f16(1, 2**-1, 2**-1), 0x45800000),
    "minus zero": (f16(-0.0), f16(1), 0),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(every_path, name):
    left, right, expected = EDGES[name]
    y = every_path(lambda: matmul.mm2_f16(left[None], np.repeat(right[:, None], 20, axis=1), result="f32"))
    assert {hex(v) for v in y.view(np.uint32).ravel().tolist()} == {hex(expected)}


def test_results_are_rounded_once_to_f16_with_denormals(every_path):
    left, right = f16(2**-20, 65504), f16(2**-4, 2)
    y = every_path(lambda: matmul.mm2_f16(left[:, None], right[None]))
    assert y.tolist() == [[2**-24, ldexp(1, -19)], [4094.0, np.inf]]


def test_wrong_types_are_refused():
    with pytest.raises(ValueError, match="float16 would be right"):
        matmul.mm2_f16(np.ones((1, 1), np.float32), np.ones((1, 1), np.float16))
    with pytest.raises(ValueError, match='"f16" or "f32" would be right'):
        conv.conv_f16(np.ones((1, 1, 1, 1), np.float16), np.ones((1, 1, 1, 1), np.float16), result="bf16")
