"""Arithmetic on tensors that broadcast, and on a tensor and a constant."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import UnaryOp, default, operand, operands, optional, required, result, slot
from tpuc_core.ir.dialects.kinds import BOOL, F64, F64S, I32, I64S, SI32, one_of
from tpuc_core.ir.dialects.tpu.words import REQUANT_MODE, CoreParallel, FusesRelu, Grouped

_COMPARISONS = one_of("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "NotEqual", "And", "Not", "Xor")


class ElementwiseOp(FusesRelu, Grouped, CoreParallel):
    """What ops on several tensors share."""


class ConstantOp(UnaryOp, FusesRelu, Grouped, CoreParallel):
    """What ops on a tensor and a constant share; in 8 bits the result is requantized by multiplier and rshift."""


@irdl_op_definition
class AddOp(ElementwiseOp):
    """y = relu?(the sum of the inputs), in 8 bits clip(the sum of (x_i - zero point_i) * multipliers[i] rounded >> rshifts[i]).

    With rshift the sum itself is shifted, and is not rounded before.
    """

    name = "tpu.Add"
    inputs = operands()
    output = result()
    coeff = optional(F64S)
    do_early_stride = optional(BOOL)
    early_stride_h = optional(I32)
    early_stride_w = optional(I32)
    f8_scales = optional(F64S)
    multipliers = optional(I64S)
    rshift = optional(SI32)
    rshifts = optional(I64S)


@irdl_op_definition
class SubOp(ElementwiseOp):
    """y = relu?(x0 - x1), or x1 - x0 where is_reverse."""

    name = "tpu.Sub"
    inputs = operands()
    output = result()
    coeff = optional(F64S)
    f8_scales = optional(F64S)
    is_reverse = default(BOOL, False)
    multipliers = optional(I64S)
    rshifts = optional(I64S)


@irdl_op_definition
class MulOp(ElementwiseOp):
    """y = relu?(x0 * x1), in 8 bits x0 * x1 * multiplier rounded >> rshift."""

    name = "tpu.Mul"
    inputs = operands()
    output = result()
    multiplier = default(SI32, 1)
    out_f8_scales = optional(F64S)
    quant_mode = default(REQUANT_MODE, "MultiplierShift")
    rshift = default(SI32, 0)


@irdl_op_definition
class DivOp(ElementwiseOp):
    """y = relu?(x0 / x1), or x1 / x0 where is_reverse."""

    name = "tpu.Div"
    inputs = operands()
    output = result()
    is_reverse = default(BOOL, False)
    multiplier = default(SI32, 1)
    rshift = default(SI32, 0)


@irdl_op_definition
class MaxOp(ElementwiseOp):
    """y = max(x0, x1)."""

    name = "tpu.Max"
    inputs = operands()
    output = result()
    coeff = optional(F64S)
    multipliers = optional(I64S)
    rshifts = optional(I64S)


@irdl_op_definition
class MinOp(ElementwiseOp):
    """y = min(x0, x1)."""

    name = "tpu.Min"
    inputs = operands()
    output = result()
    coeff = optional(F64S)
    multipliers = optional(I64S)
    rshifts = optional(I64S)


@irdl_op_definition
class AddConstOp(ConstantOp):
    """y = relu?(x + const_val)."""

    name = "tpu.AddConst"
    const_val = required(F64)
    f8_scale = default(F64, 1.0)
    multiplier = default(SI32, 1)
    rshift = default(SI32, 0)


@irdl_op_definition
class SubConstOp(ConstantOp):
    """y = relu?(x - const_val), or const_val - x where is_reverse."""

    name = "tpu.SubConst"
    const_val = required(F64)
    f8_scale = default(F64, 1.0)
    is_reverse = default(BOOL, False)
    multiplier = default(SI32, 1)
    rshift = default(SI32, 0)


@irdl_op_definition
class MulConstOp(ConstantOp):
    """y = relu?(x * const_val)."""

    name = "tpu.MulConst"
    const_val = required(F64)
    multiplier = default(SI32, 1)
    rshift = default(SI32, 0)


@irdl_op_definition
class MaxConstOp(ConstantOp):
    """y = max(x, const_val)."""

    name = "tpu.MaxConst"
    const_val = required(F64)
    multiplier = default(SI32, 1)
    rshift = default(SI32, 0)


@irdl_op_definition
class MinConstOp(ConstantOp):
    """y = min(x, const_val)."""

    name = "tpu.MinConst"
    const_val = required(F64)
    multiplier = default(SI32, 1)
    rshift = default(SI32, 0)


@irdl_op_definition
class ReciprocalOp(ConstantOp):
    """y = relu?(const_val / x)."""

    name = "tpu.Reciprocal"
    const_val = default(F64, 1.0)


@irdl_op_definition
class ScaleOp(ElementwiseOp):
    """y = relu?(x * scale + bias), both one value a channel; in 8 bits shifted left by lshift."""

    name = "tpu.Scale"
    input = operand()
    scale = operand()
    bias = operand()
    lshift = slot()
    output = result()


@irdl_op_definition
class CompareOp(CoreParallel):
    """y = 1 where `lhs mode rhs` holds, else 0."""

    name = "tpu.Compare"
    lhs = operand()
    rhs = operand()
    output = result()
    mode = required(_COMPARISONS)


@irdl_op_definition
class CompareConstOp(UnaryOp, CoreParallel):
    """y = 1 where `x mode const_val` holds (`const_val mode x` where inversed), else 0."""

    name = "tpu.CompareConst"
    const_val = required(F64)
    inversed = required(BOOL)
    mode = required(_COMPARISONS)
