"""What kernels must give, by Python's integers and numpy's indexing: slow and plain."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

LANES, LANE_BYTES = 64, 262144


def rounded(value: Fraction, mode: int) -> int:
    """0 half to even, 1 half away from zero, 2 to zero, 3 down, 4 up, 5 half up, 6 half down."""
    floor = value.numerator // value.denominator
    rest, half = value - floor, Fraction(1, 2)
    up = {
        0: rest > half or (rest == half and floor % 2 == 1),
        1: rest > half or (rest == half and value > 0),
        2: rest > 0 and value < 0,
        3: False,
        4: rest > 0,
        5: rest >= half,
        6: rest > half,
    }[mode]
    return floor + int(up)


def each(function, *arrays: np.ndarray) -> np.ndarray:
    """A function of Python integers on every element; an object array."""
    return np.frompyfunc(lambda *v: function(*(int(x) for x in v)), len(arrays), 1)(*arrays)


def saturated(values: np.ndarray, dtype: type) -> np.ndarray:
    info = np.iinfo(dtype)
    return np.clip(values, int(info.min), int(info.max)).astype(dtype)


def wrapped(values: np.ndarray, dtype: type) -> np.ndarray:
    bits = 8 * np.dtype(dtype).itemsize
    return (values & ((1 << bits) - 1)).astype(f"u{bits // 8}").view(dtype)


def offsets(address: int, shape: tuple[int, ...], strides: tuple[int, ...], size: int) -> np.ndarray:
    """The byte of local memory at which each element starts."""
    n, c, h, w = np.ogrid[tuple(slice(0, k) for k in shape)]
    lane = address // LANE_BYTES + c
    inside = address % LANE_BYTES + size * (
        n * strides[0] + lane // LANES * strides[1] + h * strides[2] + w * strides[3]
    )
    return np.broadcast_to(lane % LANES * LANE_BYTES + inside, shape)
