"""Gather with constant indices in floats: a product with a matrix of one 1 in each column."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.chain import Chain
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import is_weight, shape_of

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


def _obstacle(op: TensorOp) -> str | None:
    if is_weight(op.operands[0]) or not is_weight(op.operands[1]):
        return "indices that are no constant"
    return None


@lowers("Gather", precision=FLOATS, unless=_obstacle)
def gather_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """The axis becomes the last one, and its cells are multiplied with `OP_selection` [cells, indices]."""
    shape, axis = shape_of(op.operands[0]), op.get("axis") % len(shape_of(op.operands[0]))
    indices = lowering.model.weight(op.operands[1]).reshape(-1).astype(np.int64)
    selection = np.zeros((shape[axis], indices.size), np.float32)
    selection[indices % shape[axis], np.arange(indices.size)] = 1
    outer, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    if inner > 1:
        chain.reshape(outer, shape[axis], inner).permute(0, 2, 1)
    chain.reshape(outer * inner, shape[axis]).multiply(selection, "selection")
    if inner > 1:
        chain.reshape(outer, inner, indices.size).permute(0, 2, 1)
    return chain.end_with_reshape()
