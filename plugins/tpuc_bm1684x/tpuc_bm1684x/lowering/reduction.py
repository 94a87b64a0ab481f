"""Reduce: in 8 bits means over the last axes; in floats a pooling where what is reduced lies at the end and is short, else a kernel of its own."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.chain import Chain
from tpuc_bm1684x.lowering.pooling import average_scaling
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import shape_of, tensor_name, tensor_type, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

POOLED = {"ReduceMean": "Avg", "ReduceSum": "Avg", "ReduceL1": "Avg", "ReduceL2": "Avg", "ReduceMax": "Max", "ReduceMin": "Max"}
ROUNDED_ONCE = {"ReduceMean", "ReduceMax", "ReduceMin"}
"""Those of them that round their result once in 16 bits, and hold nothing in them that is larger than the result."""
MOST_CELLS = 2**13
"""The largest window of a pooling: a lane holds some of them."""
MOST_WINDOWS = 4096
"""More windows than this, each a channel of one element, cost more to move than to compute."""


def _reduced(op: TensorOp) -> list[int]:
    """The reduced axes, and those of one element between them."""
    shape = shape_of(op.operands[0])
    axes = {axis % len(shape) for axis in op.get("axes")}
    return [axis for axis in range(min(axes), max(axes) + 1) if axis in axes or shape[axis] == 1]


@lowers("Reduce", precision=FLOATS)
def reduce_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Reduced axes that are apart go to the end first."""
    shape, axes = shape_of(op.operands[0]), _reduced(op)
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    if axes != list(range(axes[0], axes[-1] + 1)):
        kept = [axis for axis in range(len(shape)) if axis not in axes]
        chain.permute(*kept, *axes)
        shape, axes = shape_of(chain.value), list(range(len(kept), len(shape)))
    outer, length, inner = prod(shape[: axes[0]]), prod(shape[axes[0] : axes[-1] + 1]), prod(shape[axes[-1] + 1 :])
    if inner == 1 and length <= MOST_CELLS and outer <= MOST_WINDOWS and op.get("mode") in (POOLED if lowering.element == "f32" else ROUNDED_ONCE):
        return _pooled(op, chain, outer, length)
    return chain.reduce(axes, op.get("mode")).end_with_reshape()


def _int8_obstacle(op: TensorOp) -> str | None:
    shape, axes = shape_of(op.operands[0]), _reduced(op)
    if op.get("mode") != "ReduceMean":
        return f"{op.get('mode')} of 8 bits"
    is_plane = axes[-1] == len(shape) - 1 and len(axes) == len(shape) - axes[0] and 1 <= axes[0] <= 3
    return None if is_plane and prod(shape[axes[0] :]) <= MOST_CELLS else "a mean that is not over the last axes"


@lowers("Reduce", precision=Precision.INT8, unless=_int8_obstacle)
def mean_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """The mean over the last axes: that of a window over all of them, `OP_mean` [outer, 1, 1], between reshapes."""
    x, wanted, name = lowering.quantized(op.operands[0], op), lowering.quantization(op), tensor_name(op.results[0])
    given, shape, first = lowering.result_quantization(x), shape_of(op.operands[0]), _reduced(op)[0]
    images, channels, height, width = prod(shape[: first - 1]), shape[first - 1], shape[first], prod(shape[first + 1 :])
    plane = lowering.emit(op, tpu.ReshapeOp, [x], tensor_type((images, channels, height, width), quantization=given),
                          name=f"{name}_plane", shape=[images, channels, height, width])
    mean = lowering.emit(op, tpu.Pool2DOp, [plane], tensor_type((images, channels, 1, 1), quantization=wanted), name=f"{name}_mean",
                         kernel_shape=[height, width], strides=[1, 1], pads=[0] * 4, pool_mode="Avg",
                         **average_scaling(given, wanted, height * width))
    return lowering.emit_int8(op, tpu.ReshapeOp, [mean], shape=list(shape_of(op.results[0])))


def _pooled(op: TensorOp, chain: Chain, outer: int, length: int) -> SSAValue:
    """[outer, length] by a window of [length, 1]."""
    mode = op.get("mode")
    chain.reshape(1, outer, length, 1)
    if mode in ("ReduceL1", "ReduceL2"):
        chain.active("ABSVAL" if mode == "ReduceL1" else "SQUARE")
    if mode == "ReduceMin":
        chain.scale(-1.0)
    chain.add(tpu.Pool2DOp, (1, outer, 1, 1), kernel_shape=[length, 1], strides=[1, 1], pads=[0] * 4, pool_mode=POOLED[mode])
    if mode in ("ReduceSum", "ReduceL1", "ReduceL2"):
        chain.scale(float(length))
    if mode == "ReduceMin":
        chain.scale(-1.0)
    if mode == "ReduceL2":
        chain.active("SQRT")
    return chain.end_with_reshape()


@lowers("Arg", precision=Precision.F32)
def arg_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """The greatest of those numbers that count from the wanted end, where the value is the greatest along the axis; 0 elsewhere."""
    shape, axis, x = shape_of(op.operands[0]), op.get("axis") % len(shape_of(op.operands[0])), lowering.real(op.operands[0], op)
    length, is_last = shape[axis], bool(op.get("select_last_index"))
    chain = Chain(op, lowering, x)
    chain.reduce([axis], "ReduceMax" if op.get("mode") == "ArgMax" else "ReduceMin")
    best = chain.value
    numbers = np.arange(1, length + 1, dtype=np.float32) if is_last else np.arange(length, 0, -1, dtype=np.float32)
    weight = lowering.weight(op, "numbers", numbers.reshape(length, *[1] * (len(shape) - axis - 1)), "f32")
    chain.add(tpu.CompareOp, shape, x, mode="Equal").add(tpu.MulOp, shape, weight)
    chain.reduce([axis], "ReduceMax").scale(1.0 if is_last else -1.0).offset(-1.0 if is_last else float(length))
    if len(op.results) > 1 and op.results[1].type.name == "tensor" and op.results[1].uses:
        values = lowering.emit(op, tpu.ReshapeOp, [best], op.results[1].type, name=tensor_name(op.results[1]), shape=list(shape_of(op.results[1])))
        op.results[1].replace_all_uses_with(values)
    return chain.end_with_reshape()


@lowers("CumSum", precision=Precision.F32)
def cumulative_sum_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """The axis becomes the last one, and is multiplied with a triangle of ones."""
    shape, axis = shape_of(op.operands[0]), op.get("axis") % len(shape_of(op.operands[0]))
    others = [i for i in range(len(shape)) if i != axis]
    chain = Chain(op, lowering, lowering.real(op.operands[0], op)).permute(*others, axis)
    rows = prod(shape[i] for i in others)
    chain.reshape(rows, shape[axis]).multiply(np.triu(np.ones((shape[axis], shape[axis]), np.float32)), "triangle")
    chain.reshape(*(shape[i] for i in others), shape[axis])
    return chain.permute(*(others.index(i) if i != axis else len(others) for i in range(len(shape)))).end_with_reshape()
