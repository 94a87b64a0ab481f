"""PorD, sPorD: depthwise convolution and pooling."""

from __future__ import annotations

import numpy as np
from tpuc_kernels import pool

from tpuc_bm1684x.isa.kinds import ElementType
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.convolution import bias_of, check_windows, pad_values, window_fields
from tpuc_bm1684x.simulator.execute.operands import (
    LocalTensor,
    aligned_tensor,
    compact_tensor,
    constant,
    dtype_of,
    result_shape,
)

DEPTHWISE, AVERAGE, DEPTHWISE_RELU, MAXIMUM = 0, 1, 2, 4
F32 = np.dtype(np.float32)


@executes("PorD", "sPorD")
def bind_pooling(context: Context) -> Step:
    """Windows of each channel: a sum with weights, an average or a maximum."""
    kind = ElementType(context["opd0_prec"])
    is_integer = kind == ElementType.I8
    if not is_integer and (kind != ElementType.F32 or context["res0_prec"] != kind):
        raise context.not_modelled(f"pooling of {kind.name.lower()} with result type {context['res0_prec']}")
    binders = {DEPTHWISE: _bind_depthwise, DEPTHWISE_RELU: _bind_depthwise, AVERAGE: _bind_average, MAXIMUM: _bind_maximum}
    if context.operation not in binders:
        raise context.not_modelled(f"operation {context.operation}")
    check_windows(context)
    return binders[context.operation](context, is_integer)


def _input(context: Context, is_integer: bool) -> LocalTensor:
    shape = context["res0_n"], context["res0_c"], context["opd0_h"], context["opd0_w"]
    return aligned_tensor(context, "opd0", shape, dtype_of(context, "opd0") if is_integer else F32)


def _bind_depthwise(context: Context, is_integer: bool) -> Step:
    x = _input(context, is_integer)
    channels, kh, kw = context["res0_c"], context["opd1_h"], context["opd1_w"]
    kind = np.dtype(np.int8 if context["opd1_sign"] else np.uint8) if is_integer else F32
    if context["opd1_const"]:
        fixed = np.full((channels, kh, kw), constant(context["opd1_addr"], kind), kind)
        weights = lambda: fixed  # noqa: E731
    else:
        tensor = compact_tensor(context, "opd1", (1, channels, kh, kw), kind)
        weights = lambda: tensor.load()[0]  # noqa: E731
    bias = bias_of(context, channels, np.dtype(np.int32) if is_integer else F32)
    pads = pad_values(context, x.dtype, channels)
    fields = window_fields(context) | {"rotate": bool(context["kernel_rotate"])}
    if not is_integer:
        result = aligned_tensor(context, "res0", result_shape(context), F32)
        return lambda: result.store(pool.depthwise_f32(x.load(), weights(), bias(), **fields, **pads()))
    is_signed = bool(context["opd0_sign"] or context["opd1_sign"] or context["opd2_sign"])
    relu = context.operation == DEPTHWISE_RELU
    result = aligned_tensor(context, "res0", result_shape(context), dtype_of(context, "res0", is_signed and not relu))
    fields |= {"shift": context["res1_addr"] >> 8 & 255, "rounding": context["opd2_n_str"] & 7, "relu": relu,
               "is_signed": is_signed, "result": result.dtype}
    return lambda: result.store(pool.depthwise_int8(x.load(), weights(), bias(), **fields, **pads()))


def _bind_average(context: Context, is_integer: bool) -> Step:
    x, kernel, fields = _input(context, is_integer), (context["opd1_h"], context["opd1_w"]), window_fields(context)
    pads = pad_values(context, x.dtype, context["res0_c"])
    result = aligned_tensor(context, "res0", result_shape(context), dtype_of(context, "res0", context["opd0_sign"]))
    if not is_integer:
        multiplier = constant(context["opd1_addr"], F32)
        return lambda: result.store(pool.average_f32(x.load(), kernel, multiplier, **fields, **pads()))
    multiplier, shift = context["opd1_addr"] & 255, context["opd2_addr"]
    shift -= (shift & 1 << 31) << 1
    return lambda: result.store(pool.average_int8(x.load(), kernel, multiplier, shift, result=result.dtype, **fields, **pads()))


def _bind_maximum(context: Context, is_integer: bool) -> Step:
    x, kernel, fields = _input(context, is_integer), (context["opd1_h"], context["opd1_w"]), window_fields(context)
    pads = pad_values(context, x.dtype, context["res0_c"])
    result = aligned_tensor(context, "res0", result_shape(context), dtype_of(context, "res0", context["opd0_sign"]))
    if is_integer:
        fields |= {"result": result.dtype}
    return lambda: result.store(pool.maximum(x.load(), kernel, **fields, **pads()))
