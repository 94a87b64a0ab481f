"""Copies in the order of the DMA engine: against a loop over elements."""

from __future__ import annotations

import numpy as np
import pytest
from exact import LANE_BYTES, LANES, offsets
from hypothesis import given, settings
from hypothesis import strategies as st
from tpuc_kernels import copy

property_test = settings(max_examples=60, deadline=None)


def element_by_element(
    source: np.ndarray, at: np.ndarray, target: np.ndarray, to: np.ndarray, size: int, mask: int = -1
) -> None:
    """The definition: one element after another, an early write is seen by a late read."""
    for a, b in zip(at.ravel().tolist(), to.ravel().tolist(), strict=True):
        if mask >> (b // LANE_BYTES) & 1:
            target[b : b + size] = source[a : a + size].copy()


@st.composite
def layouts(draw, count=None):
    """shape and strides (any, also 0 and overlapping) of a flat tensor of at most 1,000 elements."""
    shape = tuple(draw(st.integers(1, k)) for k in (3, 5, 4, 6))
    kind = draw(st.sampled_from(["compact", "gaps", "any"]))
    if kind == "any":
        return shape, tuple(draw(st.integers(0, 30)) for _ in range(4))
    gap = 0 if kind == "compact" else draw(st.integers(0, 3))
    strides, step = [], 1
    for extent in reversed(shape):
        strides.insert(0, step)
        step = step * extent + gap
    return shape, tuple(strides)


@property_test
@given(layouts(), st.data(), st.sampled_from([1, 2, 4]))
def test_flat_copies_go_element_by_element_also_onto_themselves(source, data, size):
    shape, strides = source
    _, other = data.draw(layouts())
    order = data.draw(st.permutations(shape))  # another shape of as many elements
    first, second = data.draw(st.integers(0, 50)), data.draw(st.integers(0, 50))
    memory = np.random.default_rng(3).integers(0, 256, 4096, dtype=np.uint8)
    expected = memory.copy()
    at = first + size * sum(np.ogrid[tuple(slice(0, k) for k in shape)][i] * strides[i] for i in range(4))
    to = second + size * sum(np.ogrid[tuple(slice(0, k) for k in order)][i] * other[i] for i in range(4))
    at, to = np.broadcast_to(at, shape), np.broadcast_to(to, order)
    element_by_element(expected, at, expected, to, size)
    copy.tensor(copy.Place(memory, first, shape, strides, size), copy.Place(memory, second, order, other, size))
    assert np.array_equal(memory, expected)


@property_test
@given(st.integers(0, 63), st.integers(1, 130), st.integers(0, 2**64 - 1), st.sampled_from([1, 2, 4]))
def test_lanes_outside_the_mask_keep_their_bytes(lane, channels, mask, size):
    shape = (2, channels, 1, 3)
    flat = np.random.default_rng(4).integers(0, 256, 2 * channels * 3 * size, dtype=np.uint8)
    lmem, expected = np.zeros((LANES, LANE_BYTES), np.uint8), np.zeros(LANES * LANE_BYTES, np.uint8)
    strides = (40, 5, 3, 1)
    to = offsets(lane * LANE_BYTES + 8, shape, strides, size)
    element_by_element(flat, np.arange(to.size) * size, expected, to, size, mask)
    place = copy.Place(lmem, lane * LANE_BYTES + 8, shape, strides, size)
    copy.tensor(copy.Place(flat, 0, shape, (channels * 3, 3, 3, 1), size), place, mask)
    assert np.array_equal(lmem.ravel(), expected)
    copy.fill(place, 0x01020304, mask)
    expected[(to[..., None] + np.arange(size))[(mask >> (to // LANE_BYTES).astype(object) & 1).astype(bool)]] = [
        4,
        3,
        2,
        1,
    ][:size]
    assert np.array_equal(lmem.ravel(), expected)


def test_a_place_may_count_lanes_along_any_axis():
    lmem, flat = np.zeros((LANES, LANE_BYTES), np.uint8), np.arange(24, dtype=np.uint8)
    # dst[n, w, h, c] = src[n, c, h, w]: the source's w counts the lanes
    copy.tensor(
        copy.Place(flat, 0, (1, 2, 3, 4), (24, 12, 4, 1), 1),
        copy.Place(lmem, 0, (1, 2, 3, 4), (0, 1, 2, 64), 1, lane_axis=3),
    )
    assert np.array_equal(lmem[:4, :6], flat.reshape(2, 3, 4).transpose(2, 1, 0).reshape(4, 6))


def test_linear_moves_read_everything_first_and_run_over_the_lanes():
    lmem = np.zeros((LANES, LANE_BYTES), np.uint8)
    data = np.arange(1, 33, dtype=np.uint8)
    copy.linear(data, 0, lmem, LANE_BYTES - 16, 8, 4)
    assert np.array_equal(lmem[0, -16:], data[:16]) and np.array_equal(lmem[1, :16], data[16:])
    copy.linear(lmem, LANE_BYTES - 16, lmem, LANE_BYTES - 8, 8, 2)
    assert np.array_equal(lmem[0, -8:], data[:8]) and np.array_equal(lmem[1, :8], data[8:16])
    copy.linear_fill(lmem, LANE_BYTES - 4, 4, 2, 0xABCD, lane_mask=2)
    assert lmem[0, -4:].tolist() == data[4:8].tolist() and lmem[1, :4].tolist() == [0xCD, 0xAB, 0xCD, 0xAB]
    smeared = np.array(lmem)
    copy.linear(smeared, 0, smeared, 1, 5, 1, lane_mask=1)  # with a mask: element by element
    assert smeared[0, :6].tolist() == [lmem[0, 0]] * 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: copy.Place(m, 60, (1, 1, 1, 5), (5, 5, 5, 1), 1), "leaves its memory"),
        (lambda m: copy.Place(m, 0, (1, 1, 1, 5), (5, 5, 5, -1), 1), "no negative number"),
        (lambda m: copy.Place(m, 0, (1, 1, 1, 5), (5, 5, 5, 1), 3), "1, 2, 4 or 8"),
        (lambda m: copy.Place(m, 0, (1, 1, 1, 5), (5, 5, 5, 1), 1, lane_axis=1), "in local memory"),
        (lambda m: copy.linear(m, 0, m, 60, 5, 1), "leave a memory of 64 bytes"),
        (
            lambda m: copy.tensor(
                copy.Place(m, 0, (1, 1, 1, 5), (5, 5, 5, 1), 1), copy.Place(m, 0, (1, 1, 1, 4), (5, 5, 5, 1), 1)
            ),
            "cannot become",
        ),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros(64, np.uint8))
