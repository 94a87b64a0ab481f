"""MatMul of two activations, or of batches: operands are turned so that rows meet columns, and a bias is added afterwards."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.generic import fused_relu
from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts, quantize_filter
from tpuc_core.ir import is_none, is_weight, quantization_of, shape_of, storage_of, tensor_name, tensor_type, tpu

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

SIDES = ("left", "right")


def has_constant_matrix(op: TensorOp) -> bool:
    """Whether the right side is one constant matrix, which becomes the filters of a convolution."""
    left, right, bias = op.operands[:3]
    is_plain = not is_weight(left) and is_weight(right) and len(shape_of(right)) == 2 and not op.get("left_transpose")
    return is_plain and (is_none(bias) or (is_weight(bias) and prod(shape_of(bias)) == shape_of(op.results[0])[-1]))


def batch_matmul_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """A product `OP_product`, and a sum where there is a bias."""
    none, bias = lowering.none(op), op.operands[2]
    operands = [_turned(op, lowering, lowering.real(op.operands[side], op), side) for side in range(2)]
    has_bias = not is_none(bias)
    attributes = {} if has_bias else {"do_relu": op.get("do_relu"), "relu_limit": op.get("relu_limit")}
    name = f"{tensor_name(op.results[0])}_product" if has_bias else None
    product = lowering.emit(op, tpu.MatMulOp, [*operands, none, none, none], lowering.result_type(op), name=name, **attributes)
    if not has_bias:
        return product
    return lowering.emit(op, tpu.AddOp, [product, lowering.real(bias, op)], lowering.result_type(op), do_relu=op.get("do_relu"), relu_limit=op.get("relu_limit"))


def batch_matmul_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Exact sums of products, times one multiplier; a constant is `OP_SIDE_i8` with one scale."""
    none, operands, factor = lowering.none(op), [], 1.0
    for side in range(2):
        value = op.operands[side]
        if is_weight(value):
            array = lowering.model.weight(value)
            integers, scales = quantize_filter(array.reshape(1, -1))
            value, scale = lowering.weight(op, f"{SIDES[side]}_i8", integers.reshape(array.shape), "i8"), float(scales[0])
        else:
            value = lowering.quantized(value, op)
            scale = lowering.result_quantization(value).scale
        operands.append(_turned(op, lowering, value, side))
        factor *= scale
    multipliers, rshifts = multipliers_and_shifts(np.array([factor / lowering.quantization(op).scale]))
    return lowering.emit_int8(op, tpu.MatMulOp, [*operands, none, none, none], multipliers=multipliers, rshifts=rshifts, cal_i8=True,
                              **fused_relu(op, lowering.quantization(op)))


def _turned(op: TensorOp, lowering: Lowering, value: SSAValue, side: int) -> SSAValue:
    """The operand with its last two axes changed, where the op says so."""
    if not op.get(f"{SIDES[side]}_transpose"):
        return value
    shape = shape_of(value)
    order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    if is_weight(value):
        array = np.ascontiguousarray(lowering.model.weight(value).transpose(order))
        return lowering.weight(op, f"{SIDES[side]}_turned", array, storage_of(value))
    result_type = tensor_type([shape[i] for i in order], lowering.element, quantization=quantization_of(value))
    name = f"{tensor_name(op.results[0])}_{SIDES[side]}_turned"
    return lowering.emit(op, tpu.PermuteOp, [value, lowering.none(op)], result_type, name=name, order=order)
