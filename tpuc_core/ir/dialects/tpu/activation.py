"""Functions of one value each, and conversions between types."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import SameShapeOp, UnaryOp, default, operand, optional, required, result, slot
from tpuc_core.ir.dialects.kinds import BOOL, F64, F64S, I64, I64S, SI32
from tpuc_core.ir.dialects.tpu.words import (
    DEQUANT_MODE,
    REQUANT_MODE,
    ROUND_MODE,
    CoreParallel,
    Grouped,
    Mapped,
    Multicore,
    enum,
)


class FunctionOp(UnaryOp, Grouped, CoreParallel):
    """What functions of one value share."""


@irdl_op_definition
class ActiveOp(FunctionOp):
    """y = f(x) in float, f named by mode; coeffs are its parameters."""

    name = "tpu.Active"
    coeffs = optional(F64S)
    mode = required(enum("active_mode"))


@irdl_op_definition
class LutOp(SameShapeOp, Grouped, CoreParallel, Mapped):
    """y = table[x as a byte], of 256 entries: 0 to 127, then -128 to -1."""

    name = "tpu.Lut"
    input = operand()
    table = operand()
    output = result()


@irdl_op_definition
class ReluOp(FunctionOp):
    """y = max(x, 0), and min(y, relu_limit) where that is positive."""

    name = "tpu.Relu"
    relu_limit = default(F64, -1.0)


@irdl_op_definition
class LeakyReluOp(FunctionOp):
    """y = x where x > 0, alpha * x elsewhere; in 8 bits (x * multiplier) rounded >> rshift."""

    name = "tpu.LeakyRelu"
    alpha = optional(F64)
    multiplier = optional(SI32)
    multiplier_neg = optional(SI32)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    rshift = optional(SI32)
    rshift_neg = optional(SI32)


@irdl_op_definition
class PReluOp(SameShapeOp, Grouped, CoreParallel):
    """y = x where x > 0, slope * x elsewhere; slope is one a channel. The op's name in the text is PReluOp."""

    name = "tpu.PReluOp"
    input = operand()
    slope = operand()
    output = result()
    multiplier_pos = optional(SI32)
    rshift = default(SI32, 0)
    rshift_pos = optional(SI32)


@irdl_op_definition
class ClipOp(FunctionOp):
    """y = min(max(x, min), max)."""

    name = "tpu.Clip"
    max = required(F64)
    min = required(F64)


@irdl_op_definition
class SoftmaxOp(SameShapeOp, CoreParallel):
    """y = exp(x - max) / the sum of exp(x - max) over axis, or its logarithm; in 8 bits by tables."""

    name = "tpu.Softmax"
    input = operand()
    table = slot()
    slope_table = slot()
    reciprocal_table = slot()
    reciprocal_mantissa_table = slot()
    buffer = slot()
    output = result()
    axis = required(SI32)
    beta = default(F64, 1.0)
    log = default(BOOL, False)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")


@irdl_op_definition
class CastOp(FunctionOp):
    """A tensor in another type; between real and quantized ones with their scale."""

    name = "tpu.Cast"
    extra_input = optional(BOOL)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    with_scale = default(BOOL, True)


@irdl_op_definition
class MulShiftOp(FunctionOp):
    """y = clip(x * multiplier rounded half up >> rshift): another scale of 8 bits."""

    name = "tpu.MulShift"
    multiplier = required(SI32)
    rshift = required(SI32)


@irdl_op_definition
class RequantIntOp(FunctionOp):
    """y = clip((x - zero point of x) * multiplier rounded >> rshift + zero point of y)."""

    name = "tpu.RequantInt"
    multiplier = required(SI32)
    quant_mode = required(REQUANT_MODE)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    rshift = required(SI32)


@irdl_op_definition
class RequantIntAxisOp(SameShapeOp, Grouped, CoreParallel):
    """RequantInt with a multiplier, a shift (negative: to the right) and a zero point a channel, from quant [1, c, 1, 3]."""

    name = "tpu.RequantIntAxis"
    input = operand()
    quant = operand()
    output = result()
    fuse_rq_axis = default(BOOL, False)
    quant_mode = required(REQUANT_MODE)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    rq_axis = default(SI32, 1)


@irdl_op_definition
class RequantFpOp(FunctionOp):
    """y = clip(round(x * scale + offset)), computed in float."""

    name = "tpu.RequantFp"
    first_round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    offset = default(F64, 0.0)
    quant_mode = required(REQUANT_MODE)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    scale = required(F64)


@irdl_op_definition
class DequantIntOp(FunctionOp):
    """y = (x - zero point) * multiplier, shifted: integers of a common scale out of 8 bits."""

    name = "tpu.DequantInt"
    lshift = default(I64, 0)
    multiplier = required(SI32)
    quant_mode = required(DEQUANT_MODE)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    shift = required(I64)


@irdl_op_definition
class DequantIntAxisOp(SameShapeOp, Grouped, Multicore):
    """DequantInt with a multiplier, a shift and a zero point a channel."""

    name = "tpu.DequantIntAxis"
    input = operand()
    quant = operand()
    output = result()
    lshift = default(I64, 0)
    quant_mode = required(DEQUANT_MODE)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")


@irdl_op_definition
class LayerNormOp(SameShapeOp, CoreParallel):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias over the dimensions from axis on."""

    name = "tpu.LayerNorm"
    input = operand()
    weight = slot()
    bias = slot()
    table = slot()
    mantissa_table = slot()
    output = result()
    axis = required(SI32)
    eps = required(F64)
    normalized_shape = required(I64S)


@irdl_op_definition
class LRNOp(SameShapeOp, Multicore):
    """y = x / (bias + alpha / size * the sum of x^2 over size neighbouring channels) ** beta."""

    name = "tpu.LRN"
    input = operand()
    table = slot()
    mantissa = slot()
    output = result()
    alpha = default(F64, 0.0001)
    beta = default(F64, 0.75)
    bias = default(F64, 1.0)
    size = required(I64)
