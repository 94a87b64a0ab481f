"""Pooling over one, two or three spatial dims."""

from __future__ import annotations

import numpy as np
from tpuc_kernels import float_ops

from tpuc_core.evaluate.activation import fused_relu
from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


@evaluates("MaxPool")
def max_pool(op: BoundOp, x: Array) -> Array:
    """Cells outside the input count as minus infinity."""
    return fused_relu(op, _pool(op, "max", x).reshape(op.shape))


@evaluates("AvgPool")
def average_pool(op: BoundOp, x: Array) -> Array:
    """The mean over the whole kernel with count_include_pad, else over the cells inside the input."""
    kernel = _kernel(op, x)
    if tuple(kernel) == x.shape[2:] and not any(op.get("pads") or ()):
        y = x.mean(axis=tuple(range(2, x.ndim)), dtype=np.float32)
        return fused_relu(op, y.reshape(op.shape))
    y = _pool(op, "sum", x)
    if op.get("count_include_pad"):
        y /= np.float32(np.prod(kernel))
    else:
        y /= _pool(op, "sum", np.ones((1, 1, *x.shape[2:]), np.float32))
    return fused_relu(op, y.reshape(op.shape))


@evaluates("AdaptiveAvgPool")
def adaptive_average_pool(op: BoundOp, x: Array) -> Array:
    """Result cell i of o is the mean of the input cells from floor(i * n / o) to ceil((i + 1) * n / o)."""
    for axis, size in enumerate(op.get("output_size"), start=2):
        n = x.shape[axis]
        cells = [x.take(range(i * n // size, -(-(i + 1) * n // size)), axis).mean(axis, keepdims=True) for i in range(size)]
        x = np.concatenate(cells, axis)
    return x.astype(np.float32)


def _kernel(op: BoundOp, x: Array) -> list[int]:
    """The kernel; an empty one is global pooling. A one-dimensional net's second dim of 1 may be named in it."""
    kernel = list(op.get("kernel_shape")) or list(x.shape[2:])
    return kernel[:x.ndim - 2]


def _pool(op: BoundOp, kind: str, x: Array) -> Array:
    kernel = _kernel(op, x)
    dims = len(kernel)
    strides = (list(op.get("strides")) or [1] * dims)[:dims]
    begins = (list(op.get("pads")) or [0] * 2 * dims)[:dims]
    size = op.shape[2:] if len(op.shape) == x.ndim else (1,) * dims
    if dims == 3:
        return _pool_3d(kind, x, kernel, strides, begins, size)
    if dims == 1:
        kernel, strides, begins, size = [*kernel, 1], [*strides, 1], [*begins, 0], [*size, 1]
    x = np.ascontiguousarray(x).reshape(*x.shape[:3], -1)
    return float_ops.pool(kind, x, kernel, strides, begins, size)


def _pool_3d(kind: str, x: Array, kernel, strides, begins, size) -> Array:
    outside = -np.inf if kind == "max" else 0.0
    ends = [max(0, (o - 1) * s + k - b - n) for o, s, k, b, n in zip(size, strides, kernel, begins, x.shape[2:])]
    x = np.pad(x, [(0, 0), (0, 0), *zip(begins, ends)], constant_values=outside)
    y = np.full((*x.shape[:2], *size), outside, np.float32)
    for cell in np.ndindex(*kernel):
        met = x[(..., *(slice(c, c + (o - 1) * s + 1, s) for c, o, s in zip(cell, size, strides)))]
        np.maximum(y, met, out=y) if kind == "max" else np.add(y, met, out=y)
    return y
