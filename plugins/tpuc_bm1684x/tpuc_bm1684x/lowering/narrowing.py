"""Constants in 16 bits: rounded one by one, or, where they are filters in BF16, so that the sum of every channel's stays.

The inputs of a filter mostly have a mean that is not zero (they come out of a Relu, and neighbouring pixels are alike), so what the
roundings of a channel's weights add up to shifts all of its results in the same way: a bias that no later op takes back.
BF16 has 8 bits; the nearest values of some weights lie almost as near as the next ones, and with these the sum can be kept.
"""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np

HALF, ONE = 1 << 15, 1 << 16
"""Of what bf16 cuts off an f32: 16 bits."""
MOST_TURNED = 256
"""Of each channel's weights those nearest to a tie, which may be rounded the other way."""
CHUNK = 1 << 22
"""Weights at a time."""
INFINITE, SIGN = 0x7F80, np.uint16(0x8000)
LARGEST = {"f16": float(np.finfo(np.float16).max), "bf16": float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)}


def narrowed(array: np.ndarray, element: str) -> np.ndarray:
    """f32 values as weights of an element type hold them: f32, or the bits of f16 or bf16, rounded to the nearest, ties to even. What
    is too large for f16 becomes its largest number, and what is finite stays so in bf16."""
    array = np.ascontiguousarray(array, np.float32)
    if element == "f32":
        return array
    if element == "f16":
        largest = np.finfo(np.float16).max
        return np.clip(array, -largest, largest).astype(np.float16).view(np.uint16)
    bits = array.astype(ml_dtypes.bfloat16).view(np.uint16)
    return np.where((bits & ~SIGN == INFINITE) & np.isfinite(array), bits - np.uint16(1), bits)


def held(value: float, element: str) -> float:
    """The constant of an instruction: what is finite, and too large for the element type, becomes its largest number."""
    largest = LARGEST.get(element, math.inf)
    return min(max(value, -largest), largest) if math.isfinite(value) else value


def narrowed_filter(filters: np.ndarray, element: str, axis: int = 0) -> np.ndarray:
    """`narrowed`, but in bf16 the sum over each output channel (`axis`) is kept as well as it goes."""
    if element != "bf16":
        return narrowed(filters, element)
    channels_first = np.moveaxis(np.asarray(filters, np.float32), axis, 0)
    rows = np.ascontiguousarray(channels_first).reshape(channels_first.shape[0], -1)
    step = max(1, CHUNK // max(1, rows.shape[1]))
    bits = np.concatenate([_with_sums(rows[i:i + step]) for i in range(0, len(rows), step)])
    return np.ascontiguousarray(np.moveaxis(bits.reshape(channels_first.shape), 0, axis))


def _with_sums(rows: np.ndarray) -> np.ndarray:
    """f32 [n, k] as bits of bf16: the nearest ones, then, beginning with the weights nearest to a tie, the other neighbour wherever that
    brings the sum of its row nearer to what it was."""
    bits = narrowed(rows, "bf16")
    cut = (rows.view(np.uint32) & (ONE - 1)).astype(np.int64)
    count = min(MOST_TURNED, rows.shape[1])
    keys = np.abs(cut - HALF) * (1 << 32) + np.arange(rows.shape[1])  # all different: the same on every machine
    order = np.sort(np.partition(keys, count - 1, axis=1)[:, :count], axis=1) & ((1 << 32) - 1)
    below = np.take_along_axis(rows.view(np.uint32) >> 16, order, axis=1).astype(np.uint16)
    near = np.take_along_axis(bits, order, axis=1)
    other = np.where(near == below, below + np.uint16(1), below)
    is_free = (np.take_along_axis(cut, order, axis=1) != 0) & (other & INFINITE != INFINITE) & (near & INFINITE != INFINITE)
    with np.errstate(invalid="ignore"):  # a row with an infinity has no sum, and stays as it is
        changes = np.where(is_free, _real(other) - _real(near), 0.0)
        errors = (_real(bits) - rows).sum(axis=1)
    for i in range(count):
        is_turned = np.abs(errors + changes[:, i]) < np.abs(errors)
        errors[is_turned] += changes[is_turned, i]
        near[is_turned, i] = other[is_turned, i]
    np.put_along_axis(bits, order, near, axis=1)
    return bits


def _real(bits: np.ndarray) -> np.ndarray:
    """f64."""
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
