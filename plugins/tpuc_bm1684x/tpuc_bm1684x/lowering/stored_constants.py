"""The real values of constants as the chip holds them in 8 bits: for measuring what rounding them costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.filters import IntegerFilter, corrected_bias
from tpuc_bm1684x.lowering.matmul import matrix_filter
from tpuc_core.ir import TensorOp, is_weight

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from tpuc_core.ir import Model

CONVOLUTIONS = {"top.Conv", "top.Deconv"}


def stored_constants(model: Model, op: Operation) -> dict[int, np.ndarray]:
    """Of a Conv, Deconv or MatMul of a `top` model with a constant filter: that one in its own shape, and the bias where it takes back
    what is rounded, float32, by the number of the operand. Empty for other ops."""
    if not isinstance(op, TensorOp) or op.name not in {*CONVOLUTIONS, "top.MatMul"} or not is_weight(op.operands[1]):
        return {}
    if op.name in CONVOLUTIONS:
        filters = IntegerFilter.of(op.operands[1], model)
        weights = filters.real()
    elif model.weight(op.operands[1]).ndim == 2:
        filters = matrix_filter(op, model, is_per_column=True)
        weights = filters.real() if op.get("right_transpose") else filters.real().T
    else:
        return {}
    found = {1: np.ascontiguousarray(weights, np.float32)}
    if isinstance(bias := corrected_bias(op, model, filters), np.ndarray):
        found[2] = bias
    return found
