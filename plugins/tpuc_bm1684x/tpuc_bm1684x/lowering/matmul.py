"""MatMul with a constant matrix on the right. INT8 has a weight scale for each column, or one for the whole matrix.

The chip multiplies tensors of two axes so: others are reshaped to `OP_rows` [rows, k] and back. Other products: batch_matmul.py.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.batch_matmul import batch_matmul_float, batch_matmul_int8, has_constant_matrix
from tpuc_bm1684x.lowering.filters import IntegerFilter, corrected_bias, float_bias, integer_bias, stored_integers
from tpuc_bm1684x.lowering.generic import fused_relu, shared_attributes
from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts, quantize_matrix
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import is_none, is_weight, quantization_of, shape_of, tensor_name, tensor_type, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import Attribute, SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import Model, TensorOp
    from tpuc_core.plan import TensorQuantization


def _obstacle(op: TensorOp) -> str | None:
    if is_weight(op.operands[0]) and is_weight(op.operands[1]):
        return "a product of two constants"
    for flag in ("output_transpose", "hdim_is_batch"):
        if op.get(flag):
            return f"the attribute {flag}"
    return None


def _obstacle_int8(op: TensorOp) -> str | None:
    if not has_constant_matrix(op) and not is_none(op.operands[2]):
        return "a bias beside a product of two activations"
    return _obstacle(op)


@lowers("MatMul", precision=FLOATS, unless=_obstacle)
def matmul_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    if not has_constant_matrix(op):
        return batch_matmul_float(op, lowering)
    x = _rows(op, lowering, lowering.real(op.operands[0], op))
    matrix = lowering.filter(op.operands[1], op, 0 if op.get("right_transpose") else -1)
    operands = [x, matrix, op.operands[2], lowering.none(op), lowering.none(op)]
    attributes = shared_attributes(op, tpu.MatMulOp)
    if is_flat(op):
        return lowering.emit(op, tpu.MatMulOp, operands, lowering.result_type(op), **attributes)
    y = lowering.emit(op, tpu.MatMulOp, operands, lowering.float_type(_flat_shape(op)), name=_product_name(op), **attributes)
    return _reshaped(op, lowering, y, lowering.result_type(op))


@lowers("MatMul", precision=Precision.INT8, unless=_obstacle_int8)
def matmul_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Right `OP_filter_int8` [k, n], bias `OP_bias_int32` [1, n]."""
    if not has_constant_matrix(op):
        return batch_matmul_int8(op, lowering)
    x = lowering.quantized(op.operands[0], op)
    wanted = lowering.quantization(op)
    filters = matrix_filter(op, lowering.model, is_per_column=lowering.is_matmul_per_column)
    constants, multipliers, rshifts = _constants_int8(op, lowering, filters, lowering.result_quantization(x))
    none = lowering.none(op)
    operands = [_rows(op, lowering, x), *constants, none, none]
    attributes = {"multipliers": multipliers, "rshifts": rshifts, "cal_i8": True, "keep_dims": op.get("keep_dims"),
                  "right_zp": filters.zero_point, **fused_relu(op, wanted)}
    if is_flat(op):
        return lowering.emit_int8(op, tpu.MatMulOp, operands, **attributes)
    y = lowering.emit(op, tpu.MatMulOp, operands, tensor_type(_flat_shape(op), quantization=wanted), name=_product_name(op), **attributes)
    return _reshaped(op, lowering, y, tensor_type(shape_of(op.results[0]), quantization=wanted))


def matrix_filter(op: TensorOp, model: Model, *, is_per_column: bool) -> IntegerFilter:
    """The constant right side, of two axes, as a filter [n, k]."""
    right, is_transposed = op.operands[1], op.get("right_transpose")
    stored = stored_integers(right, model)
    if stored is not None:
        return stored if is_transposed else replace(stored, values=np.ascontiguousarray(stored.values.T))
    matrix = model.weight(right)
    values, scales = quantize_matrix(matrix.T if is_transposed else matrix, is_per_column)
    return IntegerFilter(np.ascontiguousarray(values.T), scales)


def _constants_int8(op: TensorOp, lowering: Lowering, filters: IntegerFilter,
                    given: TensorQuantization) -> tuple[list[SSAValue], list[int], list[int]]:
    bias = corrected_bias(op, lowering.model, filters)
    filters = filters.holding(float_bias(bias, lowering.model), given)
    multipliers, rshifts = multipliers_and_shifts(filters.steps(given) / lowering.quantization(op).scale)
    matrix = lowering.weight(op, "filter_int8", np.ascontiguousarray(filters.values.T), "i8")
    bias_i32 = integer_bias(bias, lowering.model, filters, given)
    if bias_i32 is None:
        return [matrix, lowering.none(op)], multipliers, rshifts
    return [matrix, lowering.weight(op, "bias_int32", bias_i32.reshape(1, -1), "i32")], multipliers, rshifts


def is_flat(op: TensorOp) -> bool:
    """Whether the product has two axes already."""
    return len(shape_of(op.operands[0])) == 2 == len(shape_of(op.results[0]))


def _product_name(op: TensorOp) -> str:
    return f"{tensor_name(op.results[0])}_product"


def _flat_shape(op: TensorOp) -> tuple[int, int]:
    inner, shape = shape_of(op.operands[0]), shape_of(op.results[0])
    return prod(inner[:-1]), prod(shape) // prod(inner[:-1])


def _rows(op: TensorOp, lowering: Lowering, x: SSAValue) -> SSAValue:
    shape = shape_of(x)
    if is_flat(op):
        return x
    flat = (prod(shape[:-1]), shape[-1])
    result_type = tensor_type(flat, lowering.element, quantization=quantization_of(x))
    return lowering.emit(op, tpu.ReshapeOp, [x], result_type, name=f"{tensor_name(op.results[0])}_rows", shape=flat)


def _reshaped(op: TensorOp, lowering: Lowering, y: SSAValue, result_type: Attribute) -> SSAValue:
    return lowering.emit(op, tpu.ReshapeOp, [y], result_type, shape=shape_of(op.results[0]))
