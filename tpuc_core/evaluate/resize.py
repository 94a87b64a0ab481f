"""Interpolation between cells, as ONNX Resize defines it.

A result cell i of a dim meets the input at

    half_pixel, pytorch_half_pixel   (i + 0.5) / s - 0.5     (pytorch_half_pixel: 0 where the result has one cell)
    asymmetric                       i / s
    align_corners                    i * (n - 1) / (o - 1)

for an input of n cells, a result of o, and s the op's scale, or o / n where it has none. The vendor's interpreter differs
in two places: it takes half_pixel for linear asymmetric, and for nearest, whatever the mode but asymmetric, rounds
i * (n - 1) / (o - 1) half up; so its results differ there for ratios that are no integers.
"""

from __future__ import annotations

import numpy as np

from tpuc_core.errors import unknown
from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


def positions(coordinate_mode: str, n: int, o: int, scale: float) -> Array:
    """Where in the input (in cells, float64) each of the o result cells lies."""
    i = np.arange(o, dtype=np.float64)
    scale = scale if scale > 0 else o / n
    if coordinate_mode == "align_corners":
        return i * (n - 1) / (o - 1) if o > 1 else np.zeros(o)
    if coordinate_mode == "asymmetric":
        return i / scale
    if coordinate_mode == "pytorch_half_pixel" and o == 1:
        return np.zeros(1)
    if coordinate_mode in ("half_pixel", "pytorch_half_pixel"):
        return (i + 0.5) / scale - 0.5
    raise unknown("coordinate mode", coordinate_mode, ["align_corners", "asymmetric", "half_pixel", "pytorch_half_pixel"])


def _linear(x: Array, axis: int, where: Array) -> Array:
    n = x.shape[axis]
    where = np.clip(where, 0, n - 1)
    low = np.floor(where).astype(np.int64)
    shape = [1] * x.ndim
    shape[axis] = -1
    part = (where - low).astype(np.float32).reshape(shape)
    below, above = x.take(low, axis), x.take(np.minimum(low + 1, n - 1), axis)
    return below * (1 - part) + above * part


def _nearest(x: Array, axis: int, where: Array, coordinate_mode: str) -> Array:
    """Asymmetric positions round down, others to the nearest, halves down: what exporters write with these modes."""
    cell = np.floor(where) if coordinate_mode == "asymmetric" else np.ceil(where - 0.5)
    return x.take(np.clip(cell, 0, x.shape[axis] - 1).astype(np.int64), axis)


@evaluates("Interp")
def interpolate(op: BoundOp, x: Array, target_shape: Array | None = None) -> Array:
    coordinate_mode, mode = op.get("coord_mode"), op.get("mode")
    if mode not in ("linear", "nearest"):
        raise unknown("interpolation mode", mode, ["linear", "nearest"])
    for axis, scale in ((2, op.get("scale_h", -1.0)), (3, op.get("scale_w", -1.0))):
        if axis >= x.ndim or x.shape[axis] == op.shape[axis]:
            continue
        where = positions(coordinate_mode, x.shape[axis], op.shape[axis], scale)
        x = _linear(x, axis, where) if mode == "linear" else _nearest(x, axis, where, coordinate_mode)
    return x
