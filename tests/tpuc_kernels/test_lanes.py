"""Tensors in local memory: where every element lies, masks, limits."""

from __future__ import annotations

import numpy as np
import pytest
from exact import LANE_BYTES, LANES, offsets
from hypothesis import given, settings
from hypothesis import strategies as st
from tpuc_kernels import lanes

LAYOUTS = ("aligned", "compact", "line", "channel")
property_test = settings(max_examples=60, deadline=None)


@st.composite
def tensors(draw):
    """address, shape, strides or a layout's name, dtype."""
    shape = tuple(draw(st.integers(1, k)) for k in (3, 140, 4, 9))
    dtype = draw(st.sampled_from([np.uint8, np.int16, np.float32]))
    lane = draw(st.integers(0, 63))
    layout = draw(st.sampled_from(LAYOUTS[:3]))
    if draw(st.booleans()):
        w = draw(st.integers(1, 3))
        h = shape[3] * w + draw(st.integers(0, 3))
        c = h * shape[2] + draw(st.integers(0, 3))
        layout = ((lane + shape[1] - 1) // LANES + 1) * c, c, h, w
    return lane * LANE_BYTES + draw(st.integers(0, 100)) * np.dtype(dtype).itemsize, shape, layout, dtype


@property_test
@given(tensors(), st.integers(0, 2**64 - 1))
def test_store_writes_each_element_in_its_place_and_load_reads_it(tensor, mask):
    address, shape, layout, dtype = tensor
    size = np.dtype(dtype).itemsize
    strides = layout if isinstance(layout, tuple) else lanes.strides_of(layout, shape, size, address // LANE_BYTES)
    x = np.random.default_rng(1).integers(0, 256, (*shape, size), dtype=np.uint8).view(dtype)[..., 0]
    lmem, expected = np.zeros((LANES, LANE_BYTES), np.uint8), np.zeros(LANES * LANE_BYTES, np.uint8)
    at = offsets(address, shape, strides, size)
    lanes.store(lmem, address, x, layout)
    expected[at[..., None] + np.arange(size)] = np.ascontiguousarray(x)[..., None].view(np.uint8)
    assert np.array_equal(lmem.ravel(), expected)
    y = lanes.load(lmem, address, shape, layout, dtype)
    assert y.tobytes() == np.ascontiguousarray(x).tobytes() and y.flags.c_contiguous
    lanes.store(lmem, address, np.zeros_like(x), layout, mask)
    expected[(at[..., None] + np.arange(size))[(mask >> (at // LANE_BYTES).astype(object) & 1).astype(bool)]] = 0
    assert np.array_equal(lmem.ravel(), expected)


def test_layouts_by_name():
    assert lanes.strides_of("aligned", (2, 70, 3, 5), 4, 60) == (3 * 16, 16, 5, 1)
    assert lanes.strides_of("compact", (2, 70, 3, 5), 4) == (2 * 15, 15, 5, 1)
    assert lanes.strides_of("line", (2, 1, 3, 5), 1) == (192, 192, 64, 1)
    assert lanes.strides_of("channel", (2, 70, 3, 5), 4) == (0, 1, 0, 0)
    assert lanes.aligned_strides((1, 1, 3, 5), 1) == (64, 64, 5, 1) and lanes.compact_strides((1, 1, 3, 5), 1) == (
        15,
        15,
        5,
        1,
    )


def test_a_value_per_channel_is_read_for_all_pixels():
    lmem = np.zeros((LANES, LANE_BYTES), np.uint8)
    lanes.store(lmem, 0, np.arange(70, dtype=np.int16).reshape(1, 70, 1, 1), "compact")
    x = lanes.load(lmem, 0, (2, 70, 2, 3), "channel", np.int16)
    assert np.array_equal(x, np.broadcast_to(np.arange(70).reshape(1, 70, 1, 1), x.shape))


def test_broadcast_and_transposed_arrays_are_stored():
    lmem = np.zeros((LANES, LANE_BYTES), np.uint8)
    x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    lanes.store(lmem, 0, x.transpose(0, 3, 2, 1))
    assert np.array_equal(lanes.load(lmem, 0, (1, 4, 3, 2), "aligned", np.float32), x.transpose(0, 3, 2, 1))
    lanes.store(lmem, 0, np.broadcast_to(x[:, :1], (1, 5, 3, 4)))
    assert np.array_equal(
        lanes.load(lmem, 0, (1, 5, 3, 4), "aligned", np.float32), np.broadcast_to(x[:, :1], (1, 5, 3, 4))
    )


def test_a_view_shares_the_memory():
    lmem = np.zeros((LANES, LANE_BYTES), np.uint8)
    view = lanes.view(lmem, 3 * LANE_BYTES + 64, (2, 5, 3, 4), "aligned", np.int32)
    view[:] = np.arange(120).reshape(2, 5, 3, 4)
    assert np.array_equal(lanes.load(lmem, 3 * LANE_BYTES + 64, (2, 5, 3, 4), "aligned", np.int32), view)
    assert lanes.view(lmem, 63 * LANE_BYTES, (1, 2, 1, 1), "aligned", np.int8) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: lanes.load(m, LANE_BYTES - 4, (1, 1, 1, 2), "compact", np.float32), "ends at byte 262148 of 262144"),
        (lambda m: lanes.load(m, 0, (1, 1, 1, 2), "packed", np.float32), 'layout "packed"'),
        (lambda m: lanes.load(m, 0, (1, 1, 1, 2), (0, 0, 0, -1), np.float32), "no negative"),
        (lambda m: lanes.load(m[:3], 0, (1, 1, 1, 2), "compact", np.float32), "64, 262144"),
        (lambda m: lanes.store(m, 0, np.zeros((2, 3))), "n, c, h, w would be right"),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((LANES, LANE_BYTES), np.uint8))
