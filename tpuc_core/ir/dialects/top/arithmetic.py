"""Arithmetic on tensors that broadcast, and on a tensor and a constant."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import (
    Shape,
    Shapes,
    TensorOp,
    UnaryOp,
    Values,
    default,
    operand,
    operands,
    optional,
    required,
    result,
    slot,
)
from tpuc_core.ir.dialects.kinds import BOOL, F64, F64S, one_of
from tpuc_core.ir.dialects.top.words import FusesRelu, broadcast

_COMPARISONS = one_of("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "NotEqual", "And", "Not", "Xor")


class BroadcastOp(TensorOp):
    """An op whose operands broadcast to the shape of its result."""

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        return [broadcast(self, shapes)]


@irdl_op_definition
class AddOp(BroadcastOp, FusesRelu):
    """y = relu?(the sum of coeff_i * x_i). Source: ONNX Add and Sum, TFLite ADD, Caffe Eltwise."""

    name = "top.Add"
    inputs = operands()
    output = result()
    coeff = optional(F64S)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class SubOp(BroadcastOp, FusesRelu):
    """y = relu?(x0 - x1), or x1 - x0 where is_reverse. Source: ONNX Sub, TFLite SUB."""

    name = "top.Sub"
    inputs = operands()
    output = result()
    coeff = optional(F64S)
    is_reverse = default(BOOL, False)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class MulOp(BroadcastOp, FusesRelu):
    """y = relu?(x0 * x1). Source: ONNX Mul, TFLite MUL, Caffe Eltwise."""

    name = "top.Mul"
    inputs = operands()
    output = result()
    is_scalar = default(BOOL, False)


@irdl_op_definition
class DivOp(BroadcastOp, FusesRelu):
    """y = relu?(x0 / x1), or x1 / x0 where is_reverse. Source: ONNX Div."""

    name = "top.Div"
    inputs = operands()
    output = result()
    is_reverse = default(BOOL, False)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class MaxOp(BroadcastOp):
    """y = max(x0, x1). Source: ONNX Max, Caffe Eltwise."""

    name = "top.Max"
    inputs = operands()
    output = result()


@irdl_op_definition
class MinOp(BroadcastOp):
    """y = min(x0, x1). Source: ONNX Min, Caffe Eltwise."""

    name = "top.Min"
    inputs = operands()
    output = result()


@irdl_op_definition
class AddConstOp(UnaryOp, FusesRelu):
    """y = relu?(x + const_val). Source: ONNX Add and Sub with a scalar."""

    name = "top.AddConst"
    const_val = required(F64)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class SubConstOp(UnaryOp, FusesRelu):
    """y = relu?(x - const_val), or const_val - x where is_reverse. Source: ONNX Sub with a scalar."""

    name = "top.SubConst"
    const_val = required(F64)
    is_reverse = default(BOOL, False)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class MulConstOp(UnaryOp, FusesRelu):
    """y = relu?(x * const_val). Source: ONNX Mul and Div with a scalar."""

    name = "top.MulConst"
    const_val = required(F64)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class DivConstOp(UnaryOp, FusesRelu):
    """y = relu?(x / const_val), or const_val / x where is_reverse. Source: ONNX Div with a scalar."""

    name = "top.DivConst"
    const_val = required(F64)
    is_reverse = default(BOOL, False)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class ReciprocalOp(UnaryOp, FusesRelu):
    """y = relu?(const_val / x). Source: ONNX Reciprocal, and Div of a scalar."""

    name = "top.Reciprocal"
    const_val = default(F64, 1.0)


@irdl_op_definition
class MaxConstOp(UnaryOp):
    """y = max(x, const_val). Source: ONNX Max with a scalar."""

    name = "top.MaxConst"
    const_val = required(F64)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class MinConstOp(UnaryOp):
    """y = min(x, const_val). Source: ONNX Min with a scalar."""

    name = "top.MinConst"
    const_val = required(F64)
    is_scalar = default(BOOL, False)


@irdl_op_definition
class PowOp(UnaryOp):
    """y = x ** exponent. Source: ONNX Pow with a scalar exponent."""

    name = "top.Pow"
    exponent = required(F64)


@irdl_op_definition
class Pow2Op(UnaryOp):
    """y = const_val ** x. Source: ONNX Pow of a scalar."""

    name = "top.Pow2"
    const_val = required(F64)


@irdl_op_definition
class Pow3Op(BroadcastOp):
    """y = x0 ** x1. Source: ONNX Pow of tensors."""

    name = "top.Pow3"
    inputs = operands()
    output = result()


@irdl_op_definition
class ModOp(BroadcastOp):
    """y = the rest of x0 / x1, with the sign of x1. Source: ONNX Mod."""

    name = "top.Mod"
    inputs = operands()
    output = result()


@irdl_op_definition
class RemainderOp(BroadcastOp):
    """y = the rest of x0 / x1, with the sign of x0. Source: ONNX Mod with fmod."""

    name = "top.Remainder"
    inputs = operands()
    output = result()


@irdl_op_definition
class CompareOp(BroadcastOp):
    """y = 1 where `lhs mode rhs` holds, else 0. Source: ONNX Equal, Greater, Less, And, Not, Xor."""

    name = "top.Compare"
    lhs = operand()
    rhs = operand()
    output = result()
    mode = required(_COMPARISONS)


@irdl_op_definition
class CompareConstOp(UnaryOp):
    """y = 1 where `x mode const_val` holds (`const_val mode x` where inversed), else 0. Source: ONNX Equal, Greater, Less."""

    name = "top.CompareConst"
    const_val = required(F64)
    inversed = required(BOOL)
    is_scalar = default(BOOL, False)
    mode = required(_COMPARISONS)


@irdl_op_definition
class WhereOp(BroadcastOp):
    """y = tbrn where cond is not 0, fbrn elsewhere; a branch may be a constant. Source: ONNX Where."""

    name = "top.Where"
    cond = operand()
    tbrn = slot()
    fbrn = slot()
    output = result()
    x_const_val = default(F64, 0.0)
    x_is_const = default(BOOL, False)
    y_const_val = default(F64, 0.0)
    y_is_const = default(BOOL, False)
