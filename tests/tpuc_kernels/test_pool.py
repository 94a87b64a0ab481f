"""Depthwise convolution and pooling: against sums in numpy, plain C against SIMD, one thread against two, edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32, halves, integers
from tpuc_kernels import pool
from windows import RandomWindow, gather_taps, random_window

property_test = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)
LOWEST = float(np.finfo(np.float32).min)


def in_turn(terms: list[np.ndarray], start: float) -> np.ndarray:
    """Two accumulators take the terms in turn; the first plus the second."""
    sums = [np.full(terms[-1].shape, start, np.float32)] * 2
    for t, term in enumerate(terms):
        sums[t % 2] = sums[t % 2] + term
    return sums[0] + sums[1]


def random_sizes(seed: int, largest: int = 25) -> tuple[np.random.Generator, RandomWindow, int, int]:
    rng = np.random.default_rng(seed)
    n, c = (int(v) for v in rng.integers(1, [3, 6]))
    return rng, random_window(rng, largest), n, c


@property_test
@given(seeds)
def test_f32_sums_in_the_order_of_the_chip(every_path, seed):
    rng, win, n, c = random_sizes(seed)
    x, w, bias, pad, insert = (rng.standard_normal(s).astype(np.float32) for s in ((n, c, *win.size), (c, *win.kernel), c, c, c))
    keywords = {"pad_value": pad, "insert_value": insert, **win.keywords()}
    taps = gather_taps(x, win, pad, insert)
    places = list(np.ndindex(*win.kernel))
    y = every_path(lambda: pool.depthwise_f32(x, w, bias, **keywords))
    products = [taps[:, :, i, j] * w[None, :, i, j, None, None] for i, j in places]
    biases = np.broadcast_to(bias[None, :, None, None], y.shape)
    assert y.tobytes() == in_turn([biases, *products], 0.0).tobytes()
    y = every_path(lambda: pool.average_f32(x, win.kernel, 0.3, **keywords))
    assert y.tobytes() == in_turn([taps[:, :, i, j] * np.float32(0.3) for i, j in places], -0.0).tobytes()
    y = every_path(lambda: pool.maximum(x, win.kernel, **keywords))
    assert np.array_equal(y, taps.max((2, 3)))


@property_test
@given(seeds)
def test_f32_paths_agree_on_any_bits(every_path, seed):
    rng, win, n, c = random_sizes(seed, 50)
    x, w, bias, pad, insert, factor = (f32(rng, s) for s in ((n, c, *win.size), (c, *win.kernel), (c,), (c,), (c,), (1,)))
    keywords = {"pad_value": pad, "insert_value": insert, **win.keywords()}
    every_path(lambda: pool.depthwise_f32(x, w, bias, rotate=bool(seed & 1), **keywords))
    every_path(lambda: pool.average_f32(x, win.kernel, factor[0], **keywords))
    every_path(lambda: pool.maximum(x, win.kernel, **keywords))


def rounded_shift(v: np.ndarray, amount: int, mode: int) -> np.ndarray:
    """Exact, by Python's integers."""
    def one(value: int) -> int:
        floor, rest = value >> amount, (value & ((1 << amount) - 1)) * 2
        half = 1 << amount
        up = {0: rest > half or (rest == half and floor & 1), 1: rest > half or (rest == half and value > 0),
              2: rest > 0 and value < 0, 3: False, 4: rest > 0, 5: rest >= half and rest > 0, 6: rest > half, 7: False}[mode]
        return floor + int(amount > 0 and up)

    return np.array([one(int(value)) for value in v.ravel()], object).reshape(v.shape)


def stored(v: np.ndarray, is_signed: bool, dtype: np.dtype) -> np.ndarray:
    size = np.dtype(dtype).itemsize
    if size < 4:
        info = np.iinfo(f"{'i' if is_signed else 'u'}{size}")
        v = np.clip(v, int(info.min), int(info.max))
    return (v & ((1 << 8 * size) - 1)).astype(f"u{size}").view(dtype)


@property_test
@given(seeds)
def test_integer_sums_are_shifted_rounded_and_saturated(every_path, seed):
    rng, win, n, c = random_sizes(seed)
    kinds = [np.int8 if v else np.uint8 for v in rng.integers(0, 2, 2)]
    x, w, pad, insert = (integers(rng, s, k) for s, k in (((n, c, *win.size), kinds[0]), ((c, *win.kernel), kinds[1]), ((c,), kinds[0]),
                                                          ((c,), kinds[0])))
    bias = integers(rng, (c,), np.int32) >> int(rng.integers(0, 24))
    shift, mode, relu, is_signed = int(rng.integers(0, 40)), int(rng.integers(0, 8)), bool(seed & 1), bool(seed & 2)
    dtype = rng.choice(["int8", "uint8", "int16", "int32"])
    keywords = {"pad_value": pad, "insert_value": insert, **win.keywords()}
    y = every_path(lambda: pool.depthwise_int8(x, w, bias, shift=shift, rounding=mode, relu=relu, is_signed=is_signed, result=dtype,
                                               **keywords))
    taps = gather_taps(x, win, pad, insert).astype(np.int64)
    sums = np.einsum("ncijyx,cij->ncyx", taps, w.astype(np.int64)) + bias[None, :, None, None]
    sums = sums.astype(np.uint32).view(np.int32 if is_signed else np.uint32).astype(np.int64)
    exact = rounded_shift(sums, shift, mode)
    assert np.array_equal(y, stored(np.maximum(exact, 0) if relu else exact, is_signed and not relu, dtype))

    multiplier = int(rng.integers(0, 256))
    y = every_path(lambda: pool.average_int8(x, win.kernel, multiplier, shift, result=dtype, **keywords))
    exact = rounded_shift(taps.sum((2, 3)) * multiplier, shift, 5)
    assert np.array_equal(y, stored(exact, kinds[0] == np.int8, dtype))

    y = every_path(lambda: pool.maximum(x, win.kernel, **keywords))
    assert y.dtype == x.dtype and np.array_equal(y, taps.max((2, 3)))


@property_test
@given(seeds)
@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_paths_of_f16_and_bf16_agree_on_any_bits(every_path, kind, seed):
    rng, win, n, c = random_sizes(seed, 40)
    x, w, bias, pad, insert, factor = (halves(rng, s, kind) for s in ((n, c, *win.size), (c, *win.kernel), (c,), (c,), (c,), (1,)))
    keywords = {"pad_value": pad, "insert_value": insert, **win.keywords()}
    every_path(lambda: pool.depthwise_half(kind, x, w, bias, rotate=bool(seed & 1), **keywords))
    every_path(lambda: pool.average_half(kind, x, win.kernel, factor, **keywords))
    every_path(lambda: pool.maximum_half(kind, x, win.kernel, **keywords))


@property_test
@given(seeds)
def test_f16_rounds_after_every_step(every_path, seed):
    rng, win, n, c = random_sizes(seed)
    x, w, bias, zero = (rng.standard_normal(s).astype(np.float16) for s in ((n, c, *win.size), (c, *win.kernel), c, c))
    y = every_path(lambda: pool.depthwise_half("f16", x, w, bias, pad_value=zero, insert_value=zero, **win.keywords()))
    taps = gather_taps(x, win, zero, zero)
    sums = [np.broadcast_to(bias[None, :, None, None], y.shape), np.zeros(y.shape, np.float16)]
    for t, (i, j) in enumerate(np.ndindex(*win.kernel)):
        sums[(t + 1) % 2] = sums[(t + 1) % 2] + taps[:, :, i, j] * w[None, :, i, j, None, None]
    assert np.array_equal(y, sums[0] + sums[1])


def number(bits: int) -> np.float32:
    return np.array([bits], np.uint32).view(np.float32)[0]


NAN = 0x7F800001
MAXIMA = {  # a window's elements, bits of its maximum
    "a NaN that is not the last is forgotten, with what was before": ([9.0, number(NAN), 1.0, 2.0], 0x40000000),
    "a NaN in the end stays as it is": ([9.0, 8.0, 7.0, number(NAN)], NAN),
    "minus infinity alone gives the lowest finite value": ([-np.inf] * 4, 0xFF7FFFFF),
    "of equal zeros the later one": ([0.0, -0.0, -1.0, -2.0], 0x80000000),
    "denormals are zeros": ([-1.0, -1.0, -1.0, -1e-39], 0x80000000),
}


@pytest.mark.parametrize("name", MAXIMA)
def test_edges_of_the_f32_maximum(every_path, name):
    window, expected = MAXIMA[name]
    x = np.tile(np.array(window, np.float32), 10).reshape(1, 1, 1, 40)
    y = every_path(lambda: pool.maximum(x, (1, 4), stride=(1, 4)))
    assert {hex(v) for v in y.view(np.uint32).ravel().tolist()} == {hex(expected)}


def test_an_average_of_minus_zeros_is_minus_zero(every_path):
    y = every_path(lambda: pool.average_f32(np.full((1, 1, 3, 30), -0.0, np.float32), (3, 3), 0.5))
    assert np.signbit(y).all()


def test_a_maximum_does_not_see_its_default_padding(every_path):
    for dtype in (np.float32, np.int8, np.uint8):
        x = np.zeros((1, 2, 5, 5), dtype) if dtype == np.uint8 else np.full((1, 2, 5, 5), -7, dtype)
        y = every_path(lambda x=x: pool.maximum(x, (3, 3), stride=(2, 2), pads=(1, 1, 1, 1)))
        assert (y == x[0, 0, 0, 0]).all() and y.dtype == dtype


def test_a_large_sum_is_averaged_in_64_bits(every_path):
    x = np.full((1, 1, 256, 256), 255, np.uint8)
    y = every_path(lambda: pool.average_int8(x, (256, 256), 255, 24, result=np.uint8))
    assert y.item() == 254


def test_edges_of_the_half_maximum(every_path):
    cases = {"f16": ([0x3C00, 0x7C01, 0x0001, 0x8002], 0x0001), "bf16": ([0xBF80, 0x7F81, 0x0001, 0x8002], 0x8002)}
    for kind, (window, expected) in cases.items():  # f16 denormals are compared, those of bf16 are equal zeros
        x = np.tile(np.array(window, np.uint16), 10).reshape(1, 1, 1, 40)
        x = x.view(np.float16) if kind == "f16" else x
        y = every_path(lambda kind=kind, x=x: pool.maximum_half(kind, x, (1, 4), stride=(1, 4)))
        assert {hex(v) for v in y.view(np.uint16).ravel().tolist()} == {hex(expected)}


@pytest.mark.parametrize(("call", "message"), [
    (lambda: pool.depthwise_f32(np.ones((1, 2, 3, 3), np.float32), np.ones((3, 1, 1), np.float32)), r"\[2, kh, kw\]"),
    (lambda: pool.maximum(np.ones((1, 2, 3, 3), np.float32), (4, 1)), "kernel is larger"),
    (lambda: pool.average_int8(np.ones((1, 2, 3, 3), np.int8), (1, 1), 256), "0..255 would be right"),
    (lambda: pool.average_f32(np.ones((1, 2, 3, 3), np.int8), (1, 1), 1.0), "float32 .n, c, h, w. would be right"),
])
def test_wrong_calls_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
