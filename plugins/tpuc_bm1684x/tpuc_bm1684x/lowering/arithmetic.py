"""Sums and products of tensors in INT8, and constants that are folded into a multiplication in F32."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.convolution import channelwise_int8
from tpuc_bm1684x.lowering.generic import fused_relu, plain_float, shared_attributes
from tpuc_bm1684x.lowering.narrowing import held
from tpuc_bm1684x.lowering.quantize import LIMIT_16_BIT, multipliers_and_shifts, multipliers_of_a_sum, quantize_filter
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import is_weight, quantization_of, shape_of, tensor_name, tpu
from tpuc_core.plan import Precision, TensorQuantization

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


def _signs(op: TensorOp) -> list[float]:
    if op.name == "top.Sub":
        return [-1.0, 1.0] if op.get("is_reverse") else [1.0, -1.0]
    return [1.0] * len(op.operands)


def _sum_obstacle(op: TensorOp) -> str | None:
    if all(is_weight(v) for v in op.operands):
        return "operands that are all constants"
    if len(op.operands) < 2 or (op.name == "top.Sub" and len(op.operands) != 2):
        return f"{len(op.operands)} operands"
    return None


@lowers("Add", "Sub", precision=FLOATS)
def sum_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Terms with a coefficient are multiplied first, `OP_termI`; a sum of one term is a product."""
    coefficients = op.get("coeff") or [1.0] * len(op.operands)
    if len(op.operands) == 1:
        return plain_float(op, lowering, tpu.MulConstOp, const_val=coefficients[0])
    op_class = getattr(tpu, f"{op.name.removeprefix('top.')}Op")
    if all(coefficient == 1 for coefficient in coefficients):
        return plain_float(op, lowering, op_class)
    operands = [_term(op, lowering, i, coefficient) for i, coefficient in enumerate(coefficients)]
    attributes = {name: value for name, value in shared_attributes(op, op_class).items() if name != "coeff"}
    return lowering.emit(op, op_class, operands, lowering.result_type(op), **attributes)


def _term(op: TensorOp, lowering: Lowering, index: int, coefficient: float) -> SSAValue:
    value, suffix = op.operands[index], f"term{index}"
    if coefficient == 1:
        return lowering.real(value, op)
    if is_weight(value):
        return lowering.float_weight(op, suffix, lowering.model.weight(value) * np.float32(coefficient))
    name = f"{tensor_name(op.results[0])}_{suffix}"
    return lowering.emit(op, tpu.MulConstOp, [lowering.real(value, op)], lowering.float_type(shape_of(value)), name=name,
                         const_val=held(coefficient, lowering.element))


@lowers("Add", "Sub", precision=Precision.INT8, unless=_sum_obstacle)
def sum_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """out = clip(sum of (q_i * m_i + half) >> n_i); with zero points clip(sum of (q_i - z_i) * m_i, rounded >> n, + z).
    A difference is a sum with a negative multiplier."""
    coefficients = op.get("coeff") or [1.0] * len(op.operands)
    wanted = lowering.quantization(op)
    operands, factors, has_zero_points = [], [], wanted.zero_point != 0
    for index, (value, sign, coefficient) in enumerate(zip(op.operands, _signs(op), coefficients, strict=True)):
        operand, quantization = _operand(op, lowering, value, index)
        operands.append(operand)
        factors.append(sign * coefficient * quantization.scale / wanted.scale)
        has_zero_points |= quantization.zero_point != 0
    if has_zero_points:
        multipliers, rshift = multipliers_of_a_sum(np.array(factors))
        return lowering.emit_int8(op, tpu.AddOp, operands, multipliers=multipliers, rshifts=[0] * len(operands), rshift=rshift,
                                  **fused_relu(op, wanted))
    multipliers, rshifts = multipliers_and_shifts(np.array(factors), LIMIT_16_BIT)
    return lowering.emit_int8(op, tpu.AddOp, operands, multipliers=multipliers, rshifts=rshifts, **fused_relu(op, wanted))


def _operand(op: TensorOp, lowering: Lowering, value: SSAValue, index: int) -> tuple[SSAValue, TensorQuantization]:
    """An operand in 8 bits and its quantization; a constant is `OP_operand_INDEX_i8`, or as it is where it is quantized already."""
    if not is_weight(value):
        operand = lowering.quantized(value, op)
        return operand, lowering.result_quantization(operand)
    if (stored := quantization_of(value)) is not None:
        return value, stored
    array = lowering.model.weight(value)
    integers, scales = quantize_filter(array.reshape(1, -1))
    return lowering.weight(op, f"operand_{index}_i8", integers.reshape(array.shape), "i8"), TensorQuantization(float(scales[0]))


def _product_obstacle(op: TensorOp) -> str | None:
    count = sum(is_weight(v) for v in op.operands)
    return f"{len(op.operands)} operands, {count} of them constant" if len(op.operands) != 2 or count == 2 else None


def _is_channelwise(op: TensorOp, constant: SSAValue) -> bool:
    shape, size = shape_of(op.results[0]), prod(shape_of(constant))
    aligned = (1,) * (len(shape) - len(shape_of(constant))) + shape_of(constant)
    other = next(v for v in op.operands if v is not constant)
    return len(shape) == 4 and size == shape[1] == aligned[1] and shape_of(other) == shape


@lowers("Mul", precision=Precision.INT8, unless=_product_obstacle)
def product_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """out = clip((a * b * multiplier + half) >> rshift); a constant for each channel is a depthwise convolution."""
    for value in op.operands:
        if is_weight(value) and quantization_of(value) is None and _is_channelwise(op, value):
            return channelwise_int8(op, lowering, lowering.model.weight(value))
    (left, of_left), (right, of_right) = (_operand(op, lowering, v, i) for i, v in enumerate(op.operands))
    wanted = lowering.quantization(op)
    (multiplier,), (rshift,) = multipliers_and_shifts(of_left.scale * of_right.scale / wanted.scale)
    return lowering.emit_int8(op, tpu.MulOp, [left, right], multiplier=multiplier, rshift=rshift, **fused_relu(op, wanted))


@lowers("DivConst", precision=FLOATS)
def div_const(op: TensorOp, lowering: Lowering) -> SSAValue:
    if op.get("is_reverse"):
        return plain_float(op, lowering, tpu.ReciprocalOp)
    with np.errstate(divide="ignore"):
        return plain_float(op, lowering, tpu.MulConstOp, const_val=float(np.float32(1 / np.float64(op.get("const_val")))))
