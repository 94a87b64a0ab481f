"""MatMul with a constant right side in INT8: one weight scale for each column, or one for the whole matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.generic import fused_relu
from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts, quantize_bias, quantize_matrix
from tpuc_bm1684x.lowering.registry import lowers
from tpuc_core.ir import is_none, is_weight, shape_of, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import Operation, SSAValue

    from tpuc_bm1684x.lowering.context import Lowering


def _obstacle(op: Operation) -> str | None:
    left, right, bias = op.operands[:3]
    if is_weight(left) or not is_weight(right):
        return "a product of two activations"
    if len(shape_of(right)) != 2:
        return f"a right side of {len(shape_of(right))} dimensions"
    if not is_none(bias) and not is_weight(bias):
        return "a bias that is no constant"
    for flag in ("left_transpose", "output_transpose", "hdim_is_batch"):
        if op.get(flag):
            return f"the attribute {flag}"
    return None


@lowers("MatMul", precision=Precision.INT8, unless=_obstacle)
def matmul_int8(op: Operation, lowering: Lowering) -> SSAValue:
    """Right `OP_filter_int8` [k, n], bias `OP_bias_int32` [1, .., n]."""
    left, right, bias = op.operands[:3]
    x = lowering.quantized(left, op)
    matrix = lowering.model.weight(right)
    if op.get("right_transpose"):
        matrix = np.ascontiguousarray(matrix.T)
    matrix_i8, scales = quantize_matrix(matrix, lowering.is_matmul_per_column)
    steps = scales * lowering.result_quantization(x).scale
    multipliers, rshifts = multipliers_and_shifts(steps / lowering.quantization(op).scale)
    none = lowering.none(op)
    operands = [x, lowering.weight(op, "filter_int8", matrix_i8, "i8"), none, none, none]
    if not is_none(bias):
        bias_i32 = quantize_bias(lowering.model.weight(bias).reshape(-1), steps)
        shape = (1,) * (len(shape_of(op.results[0])) - 1) + (bias_i32.size,)
        operands[2] = lowering.weight(op, "bias_int32", bias_i32.reshape(shape), "i32")
    return lowering.emit_int8(op, tpu.MatMulOp, operands, multipliers=multipliers, rshifts=rshifts, cal_i8=True,
                              keep_dims=op.get("keep_dims"), **fused_relu(op))
