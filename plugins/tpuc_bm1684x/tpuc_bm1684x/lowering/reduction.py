"""Reduce in F32, by pooling: what is reduced becomes one axis, and a window covers it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from tpuc_bm1684x.lowering.chain import Chain
from tpuc_bm1684x.lowering.registry import lowers
from tpuc_core.ir import shape_of, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

POOLED = {"ReduceMean": "Avg", "ReduceSum": "Avg", "ReduceL1": "Avg", "ReduceL2": "Avg", "ReduceMax": "Max", "ReduceMin": "Max"}
MOST_CELLS = 2**15
"""The largest window along an axis."""


def _axes(op: TensorOp) -> tuple[int, int]:
    """First and last of the reduced axes."""
    rank = len(shape_of(op.operands[0]))
    axes = sorted(axis % rank for axis in op.get("axes"))
    return axes[0], axes[-1]


def _obstacle(op: TensorOp) -> str | None:
    if op.get("mode") not in POOLED:
        return f"no kernel for {op.get('mode')}"
    shape, (first, last) = shape_of(op.operands[0]), _axes(op)
    if last - first + 1 != len(set(op.get("axes"))):
        return "reduced axes that are not next to each other"
    if prod(shape[first : last + 1]) > MOST_CELLS:
        return f"a reduction over more than {MOST_CELLS} cells"
    return None


@lowers("Reduce", precision=Precision.F32, unless=_obstacle)
def reduce_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """[outer, length, inner] -> [outer, inner, length, 1], then a window of [length, 1]."""
    shape, (first, last) = shape_of(op.operands[0]), _axes(op)
    outer, length, inner = prod(shape[:first]), prod(shape[first : last + 1]), prod(shape[last + 1 :])
    mode = op.get("mode")
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    if inner > 1:
        chain.reshape(outer, length, inner).permute(0, 2, 1)
    chain.reshape(1 if inner == 1 else outer, outer if inner == 1 else inner, length, 1)
    if mode in ("ReduceL1", "ReduceL2"):
        chain.active("ABSVAL" if mode == "ReduceL1" else "SQUARE")
    if mode == "ReduceMin":
        chain.scale(-1.0)
    pooled = (*shape_of(chain.value)[:2], 1, 1)
    chain.add(tpu.Pool2DOp, pooled, kernel_shape=[length, 1], strides=[1, 1], pads=[0] * 4, pool_mode=POOLED[mode])
    if mode in ("ReduceSum", "ReduceL1", "ReduceL2"):
        chain.scale(float(length))
    if mode == "ReduceMin":
        chain.scale(-1.0)
    if mode == "ReduceL2":
        chain.active("SQRT")
    return chain.end_with_reshape()
