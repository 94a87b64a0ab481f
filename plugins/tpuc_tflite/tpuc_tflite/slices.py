"""STRIDED_SLICE with its masks, worked out for a shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpuc_tflite.graph import Node, Shape
from tpuc_tflite.registry import Unsupported


@dataclass(frozen=True)
class Slices:
    """The cells taken of every axis of the input, and the shape of the result, dropped and new axes counted in."""

    ranges: tuple[range, ...]
    result_shape: Shape

    def index(self) -> tuple[np.ndarray, ...]:
        """An index for numpy arrays of the input's shape."""
        return np.ix_(*self.ranges)

    @property
    def taken_shape(self) -> Shape:
        """The shape before axes are dropped and added."""
        return tuple(len(r) for r in self.ranges)


def strided_slices(node: Node, shape: Shape, begins: np.ndarray, ends: np.ndarray, strides: np.ndarray) -> Slices:
    """Source: the options of StridedSlice in the TFLite schema; a bit of a mask counts for one entry of the lists."""
    begin_mask, end_mask, drop, new, dots = (
        node.option(f"{word}Mask", 0) for word in ("Begin", "End", "ShrinkAxis", "NewAxis", "Ellipsis")
    )
    count = len(np.atleast_1d(begins))
    skipped = len(shape) - (count - bin(new & ((1 << count) - 1)).count("1") - (1 if dots else 0))
    ranges: list[range] = []
    result: list[int] = []
    for i, (begin, end, stride) in enumerate(zip(*(np.atleast_1d(v).tolist() for v in (begins, ends, strides)))):
        bit = 1 << i
        if dots & bit:
            for n in shape[len(ranges) : len(ranges) + skipped]:
                ranges.append(range(n))
                result.append(n)
            continue
        if new & bit:
            result.append(1)
            continue
        n = shape[len(ranges)]
        if drop & bit:
            ranges.append(range(begin % n, begin % n + 1))
            continue
        taken = range(n)[slice(None if begin_mask & bit else begin, None if end_mask & bit else end, stride)]
        if not taken:
            raise Unsupported("an empty result")
        ranges.append(taken)
        result.append(len(taken))
    for n in shape[len(ranges) :]:
        ranges.append(range(n))
        result.append(n)
    return Slices(tuple(ranges), tuple(result))
