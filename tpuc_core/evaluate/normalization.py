"""Normalizations and softmax."""

from __future__ import annotations

import math

import numpy as np

from tpuc_core.evaluate.activation import fused_relu
from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


def _per_channel(x: Array, values: Array) -> Array:
    return values.reshape(1, -1, *(1,) * (x.ndim - 2))


def _affine(x: Array, weight: Array | None, bias: Array | None) -> Array:
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def _standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt(np.square(centred).mean(axes, keepdims=True) + np.float32(epsilon))


@evaluates("BatchNorm")
def batch_norm(op: BoundOp, x: Array, mean: Array, variance: Array, gamma: Array | None, beta: Array | None) -> Array:
    factor = 1 / np.sqrt(variance + np.float32(op.get("epsilon", 1e-5)))
    if gamma is not None:
        factor = factor * gamma
    shift = -mean * factor if beta is None else beta - mean * factor
    return fused_relu(op, x * _per_channel(x, factor) + _per_channel(x, shift))


@evaluates("LayerNorm")
def layer_norm(op: BoundOp, x: Array, weight: Array | None, bias: Array | None) -> Array:
    """Over the dims from `axis` on; the variance is the biased one."""
    axis = op.get("axis") % x.ndim
    y = _standardized(x, tuple(range(axis, x.ndim)), op.get("eps"))
    shape = x.shape[axis:]
    return _affine(y, *(None if v is None else v.reshape(shape) for v in (weight, bias)))


@evaluates("RMSNorm")
def rms_norm(op: BoundOp, x: Array, gamma: Array | None) -> Array:
    y = x / np.sqrt(np.square(x).mean(-1, keepdims=True) + np.float32(op.get("eps")))
    return _affine(y, gamma, None)


@evaluates("InstanceNorm")
def instance_norm(op: BoundOp, x: Array, weight: Array | None, bias: Array | None) -> Array:
    y = _standardized(x, tuple(range(2, x.ndim)), op.get("eps"))
    return _affine(y, *(None if v is None else _per_channel(x, v) for v in (weight, bias)))


@evaluates("GroupNorm")
def group_norm(op: BoundOp, x: Array, weight: Array | None, bias: Array | None) -> Array:
    groups = x.reshape(x.shape[0], op.get("num_groups"), -1)
    y = _standardized(groups, (2,), op.get("eps")).reshape(x.shape)
    return _affine(y, *(None if v is None else _per_channel(x, v) for v in (weight, bias)))


@evaluates("PixelNorm")
def pixel_norm(op: BoundOp, x: Array, weight: Array | None, bias: Array | None) -> Array:
    """A layer norm over the channels (dim 1) of every cell."""
    y = _standardized(x, (1,), op.get("eps"))
    return _affine(y, *(None if v is None else _per_channel(x, v) for v in (weight, bias)))


@evaluates("Normalize")
def normalize(op: BoundOp, x: Array, scale: Array) -> Array:
    """x over its length along the channels (or the whole picture), times `scale`; Caffe's Normalize."""
    axes = tuple(range(1, x.ndim)) if op.get("across_spatial") else (1,)
    y = x / np.sqrt(np.square(x).sum(axes, keepdims=True) + np.float32(1e-10))
    return y * (scale.reshape(-1)[0] if op.get("channel_shared", True) else _per_channel(x, scale))


@evaluates("LRN")
def local_response_norm(op: BoundOp, x: Array) -> Array:
    """x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ** beta."""
    size = op.get("size")
    squares = np.pad(np.square(x), [(0, 0), ((size - 1) // 2, size // 2), *[(0, 0)] * (x.ndim - 2)])
    sums = sum(squares[:, i:i + x.shape[1]] for i in range(size))
    return x / (np.float32(op.get("bias", 1.0)) + np.float32(op.get("alpha", 1e-4) / size) * sums) ** np.float32(op.get("beta", 0.75))


@evaluates("Softmax")
def softmax(op: BoundOp, x: Array) -> Array:
    """exp(x - max) over its sum along `axis`, or the logarithm of that. `beta` has no effect on the float value."""
    axis = op.get("axis")
    shifted = x - x.max(axis, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis, keepdims=True)
    return shifted - np.log(total) if op.get("log") else e / total


@evaluates("Attention")
def attention(op: BoundOp, x: Array, keys: Array | None, values: Array | None, *rest: Array | None) -> Array:
    """Multi-head attention: softmax(q k^T * scale + mask) v, projected; every weight is [in, out]."""
    q_weight, q_bias, k_weight, k_bias, v_weight, v_bias, out_weight, out_bias, mask = rest
    keys = x if keys is None else keys
    values = keys if values is None else values
    heads = op.get("head")

    def project(source: Array, weight: Array | None, bias: Array | None) -> Array:
        y = _affine(source @ weight, None, None if bias is None else bias.reshape(-1))
        return y.reshape(*y.shape[:-1], heads, -1).swapaxes(-2, -3)

    q, k, v = project(x, q_weight, q_bias), project(keys, k_weight, k_bias), project(values, v_weight, v_bias)
    scores = q @ k.swapaxes(-1, -2) * np.float32(op.get("scale", 1 / math.sqrt(q.shape[-1])))
    scores = scores if mask is None else scores + mask
    e = np.exp(scores - scores.max(-1, keepdims=True))
    y = (e / e.sum(-1, keepdims=True) @ v).swapaxes(-2, -3)
    y = y.reshape(*y.shape[:-2], -1) @ out_weight
    return _affine(y, None, None if out_bias is None else out_bias.reshape(-1)).reshape(op.shape)
