"""Functions of one value: `Active` in floats; in INT8 a table of 256 results, whatever the function."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.chain import Chain
from tpuc_bm1684x.lowering.functions import FUNCTIONS, function_of
from tpuc_bm1684x.lowering.generic import plain_float
from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts, quantize_real
from tpuc_bm1684x.lowering.registry import FLOATS, HALVES, lowers
from tpuc_core.ir import is_weight, shape_of, tensor_name, tpu
from tpuc_core.plan import Precision, TensorQuantization

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

LARGEST = float(np.finfo(np.float32).max)
MODES = {
    "Abs": "ABSVAL", "Arctanh": "ARCTANH", "Ceil": "CEIL", "Cos": "COS", "Cosh": "COSH", "Elu": "ELU", "Erf": "ERF", "Exp": "EXP", "Floor": "FLOOR", "GELU": "GELU",
    "HardSigmoid": "HSIGMOID", "HardSwish": "HSWISH", "Log": "LN", "Mish": "MISH", "Round": "ROUND", "Rsqrt": "RSQRT",
    "SiLU": "SILU", "Sigmoid": "SIGMOID", "Sign": "SIGN", "Sin": "SIN", "Sinh": "SINH", "Softplus": "SOFT_PLUS",
    "Softsign": "SOFT_SIGN", "Sqrt": "SQRT", "Tan": "TAN", "Tanh": "TANH",
}


def _mode(op: TensorOp) -> str:
    if op.name == "top.Sigmoid" and op.get("log"):
        return "LOG_SIGMOID"
    if op.name == "top.GELU":
        return {"tanh": "TGELU", "sigm": "QGELU"}.get(op.get("approx_mode"), "GELU")
    return MODES[op.name.removeprefix("top.")]


def _active_obstacle(op: TensorOp) -> str | None:
    return mode_obstacle(_mode(op))


def mode_obstacle(*modes: str) -> str | None:
    """None if the chip computes all these modes of tpu.Active, else which one it does not."""
    from tpuc_bm1684x.kernels.active import FUNCTIONS

    missing = [mode for mode in modes if mode not in FUNCTIONS]
    return f"no kernel for tpu.Active of mode {missing[0]}" if missing else None


@lowers(*MODES, precision=FLOATS, unless=_active_obstacle)
def active_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    return plain_float(op, lowering, tpu.ActiveOp, mode=_mode(op), coeffs=_coefficients(op))


def _coefficients(op: TensorOp) -> list[float] | None:
    if op.name == "top.HardSigmoid":
        return [op.get("beta"), op.get("alpha")]
    return [op.get("alpha")] if op.name == "top.Elu" else None


@lowers("PRelu", precision=FLOATS)
def prelu_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Other slopes than one a channel: the product of the slopes and what is negative, and what is positive added."""
    if _has_slope_a_channel(op):
        return plain_float(op, lowering, tpu.PReluOp)
    x, shape, name = lowering.real(op.operands[0], op), shape_of(op.operands[0]), tensor_name(op.results[0])
    positive = lowering.emit(op, tpu.MaxConstOp, [x], lowering.float_type(shape), name=f"{name}_positive", const_val=0.0)
    chain = Chain(op, lowering, x).add(tpu.MinConstOp, shape, const_val=0.0).add(tpu.MulOp, shape, lowering.real(op.operands[1], op))
    return chain.add(tpu.AddOp, shape, positive).end_with_reshape()


def _has_slope_a_channel(op: TensorOp) -> bool:
    """Or a single one."""
    shape, slope = shape_of(op.operands[0]), shape_of(op.operands[1])
    aligned = slope if len(slope) == 1 else ((1,) * (len(shape) - len(slope)) + tuple(slope))[1:2]
    return prod(slope) == 1 or (len(shape) > 1 and prod(slope) == shape[1] and tuple(aligned) == (shape[1],))


def _prelu_int8_obstacle(op: TensorOp) -> str | None:
    if not is_weight(op.operands[1]):
        return "a slope that is no constant"
    is_channelwise = len(shape_of(op.operands[0])) > 1 and _has_slope_a_channel(op)
    return None if is_channelwise else "a slope that is not one for each channel"


@lowers("PRelu", precision=Precision.INT8, unless=_prelu_int8_obstacle)
def prelu_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Slopes `OP_slope_i32` [1, c, 1, 3]: multiplier, -shift and 0 of negative values; positive ones have one multiplier and shift."""
    x = lowering.quantized(op.operands[0], op)
    factor = lowering.result_quantization(x).scale / lowering.quantization(op).scale
    slopes = np.broadcast_to(lowering.model.weight(op.operands[1]).reshape(-1), shape_of(op.operands[0])[1:2])
    multipliers, rshifts = multipliers_and_shifts(slopes * factor)
    (multiplier,), (rshift,) = multipliers_and_shifts(factor)
    words = np.array([multipliers, [-n for n in rshifts], [0] * len(rshifts)], np.int32).T.reshape(1, -1, 1, 3)
    slope = lowering.weight(op, "slope_i32", np.ascontiguousarray(words), "i32")
    return lowering.emit_int8(op, tpu.PReluOp, [x, slope], multiplier_pos=multiplier, rshift_pos=rshift)


MOST_FACTORS = 8
POWERS = {2.0: "SQUARE", 0.5: "SQRT", -0.5: "RSQRT"}


def _power_obstacle(op: TensorOp) -> str | None:
    direct = POWERS.get(op.get("exponent"))
    return mode_obstacle(*([direct] if direct else ["LN", "EXP"]))


def _power_16_bit_obstacle(op: TensorOp) -> str | None:
    return None if op.get("exponent") in POWERS else "a logarithm that is multiplied, for which 16 bits are too few"


@lowers("Pow", precision=Precision.F32, unless=_power_obstacle)
@lowers("Pow", precision=HALVES, unless=lambda op: _power_16_bit_obstacle(op) or _power_obstacle(op))
def power_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """x^2 and x^0.5 as they are, small whole powers as products, else exp(exponent * ln x), for x > 0."""
    exponent, result_type, name = op.get("exponent"), lowering.result_type(op), tensor_name(op.results[0])
    direct = POWERS.get(exponent)
    if direct is not None:
        return plain_float(op, lowering, tpu.ActiveOp, mode=direct)
    if float(exponent).is_integer() and 0 < abs(exponent) <= MOST_FACTORS:
        return _product(op, lowering, int(exponent))
    x = lowering.real(op.operands[0], op)
    logarithm = lowering.emit(op, tpu.ActiveOp, [x], result_type, name=f"{name}_log", mode="LN")
    product = lowering.emit(op, tpu.MulConstOp, [logarithm], result_type, name=f"{name}_mul", const_val=exponent)
    return lowering.emit(op, tpu.ActiveOp, [product], result_type, mode="EXP")


def _product(op: TensorOp, lowering: Lowering, exponent: int) -> SSAValue:
    """x * x * ..., or 1 over that."""
    x = lowering.real(op.operands[0], op)
    chain = Chain(op, lowering, x)
    for _ in range(abs(exponent) - 1):
        chain.add(tpu.MulOp, shape_of(x), x)
    if exponent < 0:
        chain.add(tpu.ReciprocalOp, shape_of(x), const_val=1.0)
    return chain.end_with_reshape()


@lowers("Pow2", precision=Precision.F32)
def power_of_constant_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """exp(x ln c)."""
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    return chain.scale(float(np.log(op.get("const_val")))).active("EXP").end_with_reshape()


@lowers("Pow3", precision=Precision.F32)
def power_of_tensors_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """exp(y ln x), for x > 0."""
    shape = shape_of(op.results[0])
    chain = Chain(op, lowering, lowering.real(op.operands[0], op)).active("LN")
    return chain.add(tpu.MulOp, shape, lowering.real(op.operands[1], op)).active("EXP").end_with_reshape()


@lowers("Swish", precision=FLOATS)
def swish_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """x * sigmoid(beta x)."""
    x = lowering.real(op.operands[0], op)
    chain = Chain(op, lowering, x).scale(op.get("beta")).active("SIGMOID")
    return chain.add(tpu.MulOp, shape_of(x), x).end_with_reshape()


@lowers("LogB", precision=Precision.F32)
def logarithm_of_base_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    chain = Chain(op, lowering, lowering.real(op.operands[0], op)).active("LN")
    return chain.scale(1 / float(np.log(op.get("base")))).end_with_reshape()


@lowers("Trilu", precision=FLOATS)
def triangle_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """A product with a matrix of zeros and ones."""
    x, (rows, columns) = lowering.real(op.operands[0], op), shape_of(op.operands[0])[-2:]
    kept = (np.triu if op.get("upper") else np.tril)(np.ones((rows, columns), np.float32), op.get("diagonal"))
    return Chain(op, lowering, x).add(tpu.MulOp, shape_of(x), lowering.float_weight(op, "kept", kept)).end_with_reshape()


@lowers(*FUNCTIONS, precision=Precision.INT8)
def table_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Lut with the table `OP_table` [1, 1, 1, 256], indexed by the byte of the input."""
    x = lowering.quantized(op.operands[0], op)
    given, wanted = lowering.result_quantization(x), lowering.quantization(op)
    table = table_of(function_of(op), given, wanted).reshape(1, 1, 1, 256)
    weight = lowering.weight(op, "table", table, "si8" if wanted.is_signed else "ui8")
    return lowering.emit_int8(op, tpu.LutOp, [x, weight])


def table_of(function: Callable[[np.ndarray], np.ndarray], given: TensorQuantization, wanted: TensorQuantization) -> np.ndarray:
    """The quantized results for each byte, 0..255; bytes above 127 are negative where the input is signed."""
    stored = np.arange(256)
    if given.is_signed:
        stored = stored.astype(np.int8)
    x = (stored.astype(np.float64) - given.zero_point) * given.scale
    with np.errstate(all="ignore"):
        y = np.nan_to_num(function(x), nan=0.0, posinf=LARGEST, neginf=-LARGEST)
    return quantize_real(y, wanted)
