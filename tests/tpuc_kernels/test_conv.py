"""Convolution: against sums in numpy, plain C against SIMD, one thread against two, and the chip's rules at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32, integers
from tpuc_kernels import conv
from windows import gather_taps, random_window

property_test = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)


def bits(values: np.ndarray) -> list[int]:
    return values.view(np.uint32).ravel().tolist()


def reference_f32(taps: np.ndarray, w: np.ndarray, bias: np.ndarray, old: np.ndarray | None) -> np.ndarray:
    """Two accumulators in turn; for values without NaN and denormals."""
    n, ic, kh, kw, oh, ow = taps.shape
    oc = w.shape[0]
    terms = [np.broadcast_to(bias[None, :, None, None], (n, oc, oh, ow))] + ([] if old is None else [old])
    terms += [taps[:, c, i, j][:, None] * w[None, :, c, i, j, None, None] for c, i, j in np.ndindex(ic, kh, kw)]
    sums = [np.zeros((n, oc, oh, ow), np.float32), np.zeros((n, oc, oh, ow), np.float32)]
    for t, term in enumerate(terms):
        sums[t % 2] = sums[t % 2] + term
    return sums[1] + sums[0]


@property_test
@given(seeds)
def test_f32_sums_in_the_order_of_the_chip(every_path, seed):
    rng = np.random.default_rng(seed)
    win = random_window(rng)
    n, ic, oc = (int(v) for v in rng.integers(1, [3, 6, 15]))
    x, w = (rng.standard_normal(s).astype(np.float32) for s in ((n, ic, *win.size), (oc, ic, *win.kernel)))
    bias, pad, insert = (rng.standard_normal(k).astype(np.float32) for k in (oc, ic, ic))
    old = rng.standard_normal((n, oc, *win.out)).astype(np.float32) if rng.random() < 0.5 else None
    y = every_path(lambda: conv.conv_f32(x, w, bias, old, pad_value=pad, insert_value=insert, **win.keywords()))
    assert y.tobytes() == reference_f32(gather_taps(x, win, pad, insert), w, bias, old).tobytes()


@property_test
@given(seeds)
def test_f32_paths_agree_on_any_bits(every_path, seed):
    rng = np.random.default_rng(seed)
    win = random_window(rng, 40)
    n, ic, oc = (int(v) for v in rng.integers(1, [3, 8, 20]))
    x, w, bias, pad, insert, old = (f32(rng, s) for s in ((n, ic, *win.size), (oc, ic, *win.kernel), (oc,), (ic,), (ic,),
                                                          (n, oc, *win.out)))
    every_path(lambda: conv.conv_f32(x, w, bias, old if seed % 2 else None, pad_value=pad, insert_value=insert,
                                     rotate=bool(seed & 2), **win.keywords()))


def saturated(sums: np.ndarray, is_signed: bool, dtype: np.dtype) -> np.ndarray:
    """32-bit sums as `dtype`."""
    sums = sums.astype(np.uint32).view(np.int32 if is_signed else np.uint32).astype(np.int64)
    size = np.dtype(dtype).itemsize
    if size == 4:
        return sums.astype(np.uint32).view(dtype)
    info = np.iinfo(f"{'i' if is_signed else 'u'}{size}")
    return np.clip(sums, info.min, info.max).astype(f"u{size}", casting="unsafe").view(dtype)


@property_test
@given(seeds)
def test_integer_sums_wrap_and_saturate(every_path, seed):
    rng = np.random.default_rng(seed)
    win = random_window(rng, 30)
    n, ic, oc = (int(v) for v in rng.integers(1, [3, 70, 20]))
    kinds = [np.int8 if v else np.uint8 for v in rng.integers(0, 2, 3)]
    x, w, zero = integers(rng, (n, ic, *win.size), kinds[0]), integers(rng, (oc, ic, *win.kernel), kinds[1]), integers(rng, (oc,), kinds[2])
    pad, insert = integers(rng, (ic,), kinds[0]), integers(rng, (ic,), kinds[0])
    dtype = np.dtype(rng.choice(["int32", "int16", "uint16", "int8", "uint8"]))
    old = integers(rng, (n, oc, *win.out), np.int32) if dtype == np.int32 and seed % 2 else None
    y = every_path(lambda: conv.conv_int8(x, w, kernel_zero_point=zero, pad_value=pad, insert_value=insert, old=old, result=dtype,
                                          is_signed=bool(seed & 4), **win.keywords()))
    wide = w.astype(np.int64) - zero.astype(np.int64)[:, None, None, None]
    sums = np.einsum("ncijyx,ocij->noyx", gather_taps(x, win, pad, insert).astype(np.int64), wide)
    assert np.array_equal(y, saturated(sums if old is None else sums + old, bool(seed & 4), dtype))


def test_sums_wrap_in_32_bits():
    x, w = np.full((1, 4000, 3, 3), 255, np.uint8), np.full((1, 4000, 3, 3), 255, np.uint8)
    assert conv.conv_int8(x, w, result=np.uint32)[0, 0, 0, 0] == 36000 * 255 * 255 % 2**32
    assert conv.conv_int8(x, w, result=np.int8, is_signed=True)[0, 0, 0, 0] == -128
    assert conv.conv_int8(x, w, result=np.uint8)[0, 0, 0, 0] == 255


@pytest.mark.parametrize(("total", "shift", "relu", "expected"),
                         [(10, 2, False, 3), (-10, 2, False, -2), (-11, 2, False, -3), (-10, 0, True, 0), (1000, 1, False, 127),
                          (1000, 1, True, 255), (127, 33, False, 64)])
def test_fused_requantize_rounds_half_up_and_saturates(every_path, total, shift, relu, expected):
    x, w = np.ones((1, 1, 1, 1), np.int8), np.zeros((1, 1, 1, 1), np.int8)
    y = every_path(lambda: conv.conv_int8_requantized(x, w, [total], shift=shift, relu=relu, result=np.uint8 if relu else np.int8))
    assert y.item() == expected


NAN, QUIET = 0xFFC00000, 0x7FC00001
EDGES = {  # x, w, bias, bits of the result
    "a new NaN is negative": (np.inf, 0.0, 0.0, NAN),
    "the input's NaN before the weight's": (0x7F800001, 0x7FC00002, 0.0, QUIET),
    "the weight's NaN alone": (1.0, 0xFF800005, 0.0, 0xFFC00005),
    "the second accumulator before the first": (0x7F800001, 1.0, 0x7FC00002, QUIET),
    "denormal operands are zeros": (1e-39, 1e30, 0.0, 0),
    "denormal results are zeros": (1e-30, -1e-10, 0.0, 0),
    "a denormal bias is zero": (0.0, 0.0, 1e-39, 0),
    "minus zero becomes plus zero": (-0.0, 1.0, -0.0, 0),
    "overflow is infinite": (3e38, 10.0, 0.0, 0x7F800000),
}


def number(value: float | int) -> np.float32:
    """A float as it is, an integer as bits."""
    return np.float32(value) if isinstance(value, float) else np.array([value], np.uint32).view(np.float32)[0]


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("name", EDGES)
def test_edges_of_f32(every_path, name):
    x, w, bias, expected = EDGES[name]
    image, kernel = np.full((1, 1, 1, 20), number(x)), np.full((7, 1, 1, 1), number(w))
    y = every_path(lambda: conv.conv_f32(image, kernel, np.full(7, number(bias))))
    assert [hex(v) for v in bits(y)] == [hex(expected)] * 140


def test_accumulators_start_with_bias_and_old(every_path):
    x, w, minus = np.full((1, 1, 1, 20), -1, np.float32), np.zeros((3, 1, 1, 1), np.float32), np.full((1, 3, 1, 20), -0.0, np.float32)
    y = every_path(lambda: conv.conv_f32(x, w, minus[0, :, 0, 0], minus))
    assert np.signbit(y).all(), "a sum of minus zeros alone"
    assert not np.signbit(every_path(lambda: conv.conv_f32(x, w, minus[0, :, 0, 0]))).any(), "the other accumulator is plus zero"


def test_the_callers_float_mode_stays():
    conv.conv_f32(np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 1, 1), np.float32))
    tiny = np.array([1e-39], np.float32)
    assert (tiny * np.float32(0.5))[0] != 0


def test_packed_weights_are_used_in_place_of_the_array(every_path):
    rng = np.random.default_rng(3)
    x, w = integers(rng, (2, 5, 9, 9), np.int8), integers(rng, (8, 5, 3, 3), np.uint8)
    packed = conv.pack_int8(w, 3, rotate=True)
    assert np.array_equal(every_path(lambda: conv.conv_int8(x, packed)), conv.conv_int8(x, w, kernel_zero_point=3, rotate=True))
    xf, wf = x.astype(np.float32), w.astype(np.float32)
    assert np.array_equal(every_path(lambda: conv.conv_f32(xf, conv.pack_f32(wf))), conv.conv_f32(xf, wf))


def test_transposed_convolution_is_inserted_rotated_and_padded(every_path):
    rng = np.random.default_rng(4)
    x, w = rng.integers(-9, 9, (1, 3, 4, 5)).astype(np.int8), rng.integers(-9, 9, (2, 3, 3, 3)).astype(np.int8)
    y = every_path(lambda: conv.conv_int8(x, w, insert=(1, 1), pads=(2, 2, 2, 2), rotate=True))
    expected = np.zeros((1, 2, 9, 11), np.int32)
    for i, j in np.ndindex(4, 5):
        expected[0, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += np.einsum("c,ochw->ohw", x[0, :, i, j].astype(np.int32), w.astype(np.int32))
    assert np.array_equal(y, expected)


def test_out_takes_the_result():
    out = np.empty((1, 2, 3, 3), np.float32)
    assert conv.conv_f32(np.ones((1, 1, 3, 3), np.float32), np.ones((2, 1, 1, 1), np.float32), out=out) is out
    assert (out == 1).all()


@pytest.mark.parametrize(("shape", "kernel", "keywords", "message"), [
    ((1, 3, 4, 4), (2, 4, 1, 1), {}, "3 channels, the weights 4"),
    ((1, 3, 4, 4), (2, 3, 5, 5), {}, "kernel is larger than the padded input"),
    ((1, 3, 4, 4), (2, 3, 1, 1), {"stride": (0, 1)}, "strides and dilations must be at least 1"),
    ((1, 3, 4, 4), (2, 3, 1, 1), {"pads": (9, 0, 0, 0), "pad_mode": 1}, "beyond what this pad_mode"),
    ((1, 3, 4, 4), (2, 3, 1, 1), {"pad_mode": 4}, "pad_mode must be"),
    ((1, 3, 4, 4), (2, 3, 1, 1), {"pad_value": [1, 2]}, "pad_value: 2 values; 1 or 3"),
    ((1, 3, 4), (2, 3, 1, 1), {}, "3 axes; float32 of 4"),
])
def test_wrong_calls_say_what_is_wrong(shape, kernel, keywords, message):
    with pytest.raises(ValueError, match=message):
        conv.conv_f32(np.ones(shape, np.float32), np.ones(kernel, np.float32), **keywords)
