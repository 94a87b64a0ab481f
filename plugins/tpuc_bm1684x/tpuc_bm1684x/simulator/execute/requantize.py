"""RQDQ, sRQDQ: requantize and dequantize."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tpuc_kernels import requant

from tpuc_bm1684x.isa.kinds import ElementType
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import aligned_tensor, constant, dtype_of, result_shape

REQUANTIZE_FLOAT, REQUANTIZE_INT, DEQUANTIZE_FLOAT, DEQUANTIZE_INT = 0, 1, 3, 4
WORDS = {REQUANTIZE_FLOAT: 2, REQUANTIZE_INT: 3, DEQUANTIZE_FLOAT: 2, DEQUANTIZE_INT: 3}
"""32-bit words of parameters that a channel has in memory."""
INTEGERS = (ElementType.I8, ElementType.I16, ElementType.I32)

Parameters = Callable[[], tuple]


@executes("RQDQ", "sRQDQ")
def bind_requantize(context: Context) -> Step:
    """result = saturated((opd0 - zero point) * multiplier * 2**shift + zero point), in integers or in f32."""
    operation, kind, result_kind = context.operation, context["opd0_prec"], context["res0_prec"]
    if operation not in WORDS:
        raise context.not_modelled(f"operation {operation}")
    is_requantize = operation in (REQUANTIZE_FLOAT, REQUANTIZE_INT)
    sources = (ElementType.I16, ElementType.I32) if is_requantize else (ElementType.I8, ElementType.I16)
    results = (ElementType.F32,) if operation == DEQUANTIZE_FLOAT else INTEGERS
    if kind not in sources or result_kind not in results:
        raise context.not_modelled(f"operation {operation} from type {kind} to type {result_kind}")
    shape = result_shape(context)
    x = aligned_tensor(
        context, "opd0", shape, dtype_of(context, "opd0", 1 if kind == ElementType.I32 else context["opd0_sign"])
    )
    is_signed = 1 if operation == DEQUANTIZE_INT and result_kind == ElementType.I32 else context["opd2_sign"]
    result = aligned_tensor(context, "res0", shape, dtype_of(context, "res0", is_signed))
    parameters = _constants(context) if context["opd1_const"] else _from_memory(context, shape[1])
    compute = _function(context, result.dtype)
    return lambda: result.store(compute(x.load(), *parameters()))


def _function(context: Context, dtype: np.dtype) -> Callable[..., np.ndarray]:
    rounding = context["opd2_n_str"] & 7
    if context.operation == REQUANTIZE_INT:
        return lambda x, multiplier, shift, zero_point: requant.requantize_int(
            x, multiplier, shift, zero_point, dtype, rounding
        )
    if context.operation == DEQUANTIZE_INT:
        return lambda x, multiplier, shift, zero_point: requant.dequantize_int(
            x, multiplier, shift, zero_point, dtype, rounding
        )
    if context.operation == DEQUANTIZE_FLOAT:
        return lambda x, scale, zero_point: requant.dequantize_float(x, zero_point, scale, rounding)
    to_integer = context["opd2_n_str"] >> 3 & 7
    if to_integer > 4:
        raise context.not_modelled(f"a requantization that rounds to integers by mode {to_integer}")
    return lambda x, scale, offset: requant.requantize_float(x, scale, offset, dtype, rounding, to_integer)


def _zero_point_type(context: Context) -> np.dtype:
    sign = "opd2_sign" if context.operation == REQUANTIZE_INT else "opd0_sign"
    return np.dtype(np.int16 if context[sign] else np.uint16)


def _constants(context: Context) -> Parameters:
    first, second, zero = context["opd1_addr"], context["opd2_addr"], _zero_point_type(context)
    f32, i32, i16, i8 = (np.dtype(kind) for kind in (np.float32, np.int32, np.int16, np.int8))
    values = {
        REQUANTIZE_FLOAT: lambda: (constant(first, f32), constant(second, f32)),
        REQUANTIZE_INT: lambda: (constant(first, i32), constant(second, i8), constant(second >> 16, zero)),
        DEQUANTIZE_FLOAT: lambda: (constant(second, f32), constant(first, zero)),
        DEQUANTIZE_INT: lambda: (constant(second, i32), constant(first >> 16, i16), constant(first, zero)),
    }[context.operation]()
    return lambda: values


def _from_memory(context: Context, channels: int) -> Parameters:
    tensor = aligned_tensor(context, "opd1", (1, channels, 1, WORDS[context.operation]), np.dtype(np.uint32))
    zero = _zero_point_type(context)

    def load() -> tuple:
        words = tensor.load()[0, :, 0].T
        if context.operation == REQUANTIZE_FLOAT:
            return words[0].view(np.float32), words[1].view(np.float32)
        if context.operation == DEQUANTIZE_FLOAT:
            return words[1].view(np.float32), words[0].astype(np.uint16).view(zero)
        multiplier, shift, zero_point = words if context.operation == REQUANTIZE_INT else (words[1], words[2], words[0])
        return multiplier.view(np.int32), shift.astype(np.uint8).view(np.int8), zero_point.astype(np.uint16).view(zero)

    return load
