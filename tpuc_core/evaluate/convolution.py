"""Convolutions as matrix products, depthwise ones and all windows by loops of tpuc_kernels."""

from __future__ import annotations

import threading

import numpy as np
from tpuc_kernels import float_ops

from tpuc_core.evaluate.activation import fused_relu
from tpuc_core.evaluate.registry import Array, BoundOp, evaluates

_scratch = threading.local()


def _columns(rows: int, cells: int) -> Array:
    """Scratch for im2col, one a thread and reused: fresh pages would cost more than the copy."""
    size = rows * cells
    buffer = getattr(_scratch, "columns", None)
    if buffer is None or buffer.size < size:
        buffer = _scratch.columns = np.empty(size, np.float32)
    return buffer[:size].reshape(rows, cells)


@evaluates("Conv")
def conv(op: BoundOp, x: Array, weight: Array, bias: Array | None) -> Array:
    """x [n, ic, spatial], weight [oc, ic/group, kernel] -> [n, oc, spatial]; 1, 2 or 3 spatial dims."""
    strides, pads = op.get("strides"), op.get("pads")
    dilations = op.get("dilations") or [1] * len(strides)
    weight = weight.reshape(*weight.shape[:2], *op.get("kernel_shape"))
    group = op.get("group", 1)
    if weight.ndim == 5:
        return _finish(op, _conv_3d(x, weight, strides, dilations, pads, group, op.shape), bias)
    if weight.ndim == 3:
        weight, strides, dilations = weight[..., None], [*strides, 1], [*dilations, 1]
        pads = [pads[0], 0, pads[1], 0]
    x = x.reshape(*x.shape[:3], -1)
    size = op.shape[2:] if len(op.shape) == 4 else (op.shape[2], 1)
    y = conv_2d(x, weight, strides, dilations, pads[:2], size, group)
    return _finish(op, y, bias)


def conv_2d(x: Array, weight: Array, strides, dilations, pads, size, group: int = 1) -> Array:
    """x [n, ic, h, w], weight [oc, ic/group, kh, kw], pads (top, left) -> [n, oc, *size], without bias."""
    x, weight = np.ascontiguousarray(x), np.ascontiguousarray(weight)
    n, channels, h, w = x.shape
    oc, group_channels, kh, kw = weight.shape
    if group == channels == oc and group_channels == 1:
        return float_ops.depthwise(x, weight.reshape(oc, kh, kw), strides, dilations, pads, size)
    y = np.empty((n, oc, size[0] * size[1]), np.float32)
    rows = weight.reshape(group, oc // group, -1)
    is_plain = (kh, kw, *strides, *pads) == (1, 1, 1, 1, 0, 0) and tuple(size) == (h, w)
    for image in range(n):
        for g in range(group):
            part = x[image, g * group_channels:(g + 1) * group_channels]
            if is_plain:
                columns = part.reshape(group_channels, h * w)
            else:
                columns = _columns(group_channels * kh * kw, size[0] * size[1])
                float_ops.im2col(part, (kh, kw), strides, dilations, pads, size, columns)
            np.matmul(rows[g], columns, out=y[image, g * (oc // group):(g + 1) * (oc // group)])
    return y.reshape(n, oc, *size)


def _conv_3d(x, weight, strides, dilations, pads, group, shape) -> Array:
    """A sum over the kernel's cells of matrix products with strided views of the padded input."""
    x = np.pad(x, [(0, 0), (0, 0), *((pads[i], pads[i + 3] + 1) for i in range(3))])
    n, oc = x.shape[0], weight.shape[0]
    y = np.zeros((n, group, oc // group, int(np.prod(shape[2:]))), np.float32)
    for cell in np.ndindex(*weight.shape[2:]):
        window = tuple(slice(k * d, k * d + (o - 1) * s + 1, s)
                       for k, d, o, s in zip(cell, dilations, shape[2:], strides))
        met = x[(slice(None), slice(None), *window)].reshape(n, group, x.shape[1] // group, -1)
        y += weight[(slice(None), slice(None), *cell)].reshape(group, oc // group, -1) @ met
    return y


@evaluates("Deconv")
def deconv(op: BoundOp, x: Array, weight: Array, bias: Array | None) -> Array:
    """x [n, ic, h, w], weight [oc, ic/group, kh, kw] -> [n, oc, oh, ow]: the convolution of x, spread out by the
    strides, with the kernel turned by half a turn."""
    sy, sx = op.get("strides")
    dilations = op.get("dilations") or [1, 1]
    n, channels, h, w = x.shape
    weight = weight.reshape(*weight.shape[:2], *op.get("kernel_shape"))
    spread = np.zeros((n, channels, (h - 1) * sy + 1, (w - 1) * sx + 1), np.float32)
    spread[:, :, ::sy, ::sx] = x
    reach = [d * (k - 1) for d, k in zip(dilations, weight.shape[2:])]
    crop = [max(0, p - r) for p, r in zip(op.get("pads")[:2], reach)]
    spread = spread[:, :, crop[0]:, crop[1]:]
    pads = [r - p + c for r, p, c in zip(reach, op.get("pads")[:2], crop)]
    y = conv_2d(spread, weight[:, :, ::-1, ::-1], (1, 1), dilations, pads, op.shape[2:], op.get("group", 1))
    return _finish(op, y, bias)


def _finish(op: BoundOp, y: Array, bias: Array | None) -> Array:
    """y [n, oc, ...] with bias and fused relu, in the result's shape; y is overwritten."""
    y = y.reshape(op.shape)
    if bias is None:
        return fused_relu(op, y)
    limit = op.get("relu_limit", -1.0)
    float_ops.bias_relu(y.reshape(y.shape[0], y.shape[1], -1), np.ascontiguousarray(bias, np.float32).reshape(-1),
                        bool(op.get("do_relu")), limit if limit > 0 else float("inf"))
    return y
