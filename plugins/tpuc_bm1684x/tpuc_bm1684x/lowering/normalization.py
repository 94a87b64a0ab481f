"""Normalizations in floats, of the kernel LayerNorm, reductions, functions and 1x1 convolutions.

Those with a sum of squares that is no mean run in F32: it does not fit 16 bits.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tpuc_bm1684x.lowering.chain import Chain
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import is_none, is_weight, shape_of, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

NORMALIZE_EPSILON = 1e-10
"""What Caffe's Normalize adds to the sum of squares."""


def _constants_obstacle(op: TensorOp) -> str | None:
    if all(is_none(v) or is_weight(v) for v in op.operands[1:]):
        return None
    return "a weight or bias that is no constant"


def standardized(chain: Chain, axis: int, eps: float) -> Chain:
    """Mean 0 and variance 1 over the axes from `axis` on."""
    none, shape = chain.lowering.none(chain.op), shape_of(chain.value)
    return chain.add(tpu.LayerNormOp, shape, none, none, none, none, axis=axis, eps=eps, normalized_shape=list(shape[axis:]))


def scaled_by_channel(chain: Chain, weight: np.ndarray | None, bias: np.ndarray | None) -> Chain:
    """x [n, c, ...] * weight [c] + bias [c], as a depthwise convolution; nothing where both are absent."""
    if weight is None and bias is None:
        return chain
    shape = shape_of(chain.value)
    channels = shape[1]
    factors = np.ones(channels) if weight is None else weight
    chain.reshape(shape[0], channels, prod(shape[2:]), 1)
    return chain.convolve(factors.reshape(channels, 1, 1, 1), bias, group=channels).reshape(*shape)


def _affine(op: TensorOp, lowering: Lowering) -> list[Any]:
    """Weight and bias as arrays [c], None where they are absent."""
    return [None if is_none(v) else lowering.model.weight(v).reshape(-1) for v in op.operands[1:3]]


@lowers("InstanceNorm", "GroupNorm", precision=FLOATS, unless=_constants_obstacle)
def group_norm(op: TensorOp, lowering: Lowering) -> SSAValue:
    """A layer norm of [n * groups, elements of a group], then a factor and an offset a channel."""
    shape = shape_of(op.operands[0])
    groups = shape[1] if op.name == "top.InstanceNorm" else op.get("num_groups")
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    chain.reshape(shape[0] * groups, prod(shape[1:]) // groups)
    standardized(chain, 1, op.get("eps")).reshape(*shape)
    return scaled_by_channel(chain, *_affine(op, lowering)).end_with_reshape()


@lowers("PixelNorm", precision=FLOATS, unless=_constants_obstacle)
def pixel_norm(op: TensorOp, lowering: Lowering) -> SSAValue:
    """A layer norm over the channels, which become the last axis for it."""
    rank = len(shape_of(op.operands[0]))
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    chain.permute(0, *range(2, rank), 1)
    standardized(chain, rank - 1, op.get("eps")).permute(0, rank - 1, *range(1, rank - 1))
    return scaled_by_channel(chain, *_affine(op, lowering)).end_with_reshape()


@lowers("RMSNorm", precision=Precision.F32)
def rms_norm(op: TensorOp, lowering: Lowering) -> SSAValue:
    """x * rsqrt(mean of x^2 + eps) * gamma over the last axis."""
    x, last = lowering.real(op.operands[0], op), len(shape_of(op.operands[0])) - 1
    chain = Chain(op, lowering, x).active("SQUARE")
    chain.reduce([last], "ReduceMean").offset(op.get("eps")).active("RSQRT").add(tpu.MulOp, shape_of(x), x)
    if not is_none(op.operands[1]):
        chain.add(tpu.MulOp, shape_of(x), lowering.real(op.operands[1], op))
    return chain.end_with_reshape()


@lowers("Normalize", precision=Precision.F32, unless=_constants_obstacle)
def normalize(op: TensorOp, lowering: Lowering) -> SSAValue:
    """x * rsqrt(sum of x^2) * scale, the sum over channels, or over channels and places."""
    x, shape = lowering.real(op.operands[0], op), shape_of(op.operands[0])
    axes = list(range(1, len(shape))) if op.get("across_spatial") else [1]
    chain = Chain(op, lowering, x).active("SQUARE")
    chain.reduce(axes, "ReduceSum").offset(NORMALIZE_EPSILON).active("RSQRT").add(tpu.MulOp, shape, x)
    factors = lowering.model.weight(op.operands[1]).reshape(-1)
    factors = np.full(shape[1], factors[0]) if op.get("channel_shared") else np.broadcast_to(factors, shape[1])
    return scaled_by_channel(chain, factors, None).end_with_reshape()


@lowers("LRN", precision=Precision.F32)
def local_response_norm(op: TensorOp, lowering: Lowering) -> SSAValue:
    """x * e^(-beta ln(bias + alpha / size * sum)), the sum of squares over neighbouring channels a convolution with a band of ones."""
    x, shape, size = lowering.real(op.operands[0], op), shape_of(op.operands[0]), op.get("size")
    distance = np.arange(shape[1])[None, :] - np.arange(shape[1])[:, None]
    band = (distance >= -((size - 1) // 2)) & (distance <= size // 2)
    chain = Chain(op, lowering, x).active("SQUARE").reshape(shape[0], shape[1], prod(shape[2:]), 1)
    chain.convolve(band[:, :, None, None] * (op.get("alpha") / size), np.full(shape[1], op.get("bias")))
    chain.active("LN").scale(-op.get("beta")).active("EXP").reshape(*shape)
    return chain.add(tpu.MulOp, shape, x).end_with_reshape()
