"""PorD, sPorD: depthwise convolution and pooling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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
    constant_array,
    dtype_of,
    element_type,
    result_shape,
)

DEPTHWISE, AVERAGE, DEPTHWISE_RELU, MAXIMUM = 0, 1, 2, 4


@executes("PorD", "sPorD")
def bind_pooling(context: Context) -> Step:
    """Windows of each channel: a sum with weights, an average or a maximum."""
    kind = element_type(context, context["opd0_prec"])
    if kind != ElementType.I8 and (not kind.is_float or context["res0_prec"] != kind):
        raise context.not_modelled(f"pooling of {kind.name.lower()} with result type {context['res0_prec']}")
    binders = {
        DEPTHWISE: _bind_depthwise,
        DEPTHWISE_RELU: _bind_depthwise,
        AVERAGE: _bind_average,
        MAXIMUM: _bind_maximum,
    }
    if context.operation not in binders:
        raise context.not_modelled(f"operation {context.operation}")
    check_windows(context)
    return binders[context.operation](context, kind)


def _input(context: Context) -> LocalTensor:
    shape = context["res0_n"], context["res0_c"], context["opd0_h"], context["opd0_w"]
    return aligned_tensor(context, "opd0", shape, dtype_of(context, "opd0"))


def _kernel(context: Context, dtype: np.dtype) -> Callable[[], np.ndarray]:
    shape = channels, kh, kw = context["res0_c"], context["opd1_h"], context["opd1_w"]
    if context["opd1_const"]:
        fixed = np.full(shape, constant(context["opd1_addr"], dtype), dtype)
        return lambda: fixed
    tensor = compact_tensor(context, "opd1", (1, channels, kh, kw), dtype)
    return lambda: tensor.load()[0]


def _bind_depthwise(context: Context, kind: ElementType) -> Step:
    x, is_integer = _input(context), kind == ElementType.I8
    weights = _kernel(context, np.dtype(np.int8 if context["opd1_sign"] else np.uint8) if is_integer else x.dtype)
    bias = bias_of(context, context["res0_c"], np.dtype(np.int32) if is_integer else x.dtype)
    pads = pad_values(context, x.dtype, context["res0_c"])
    fields = window_fields(context) | {"rotate": bool(context["kernel_rotate"])}
    if not is_integer:
        result = aligned_tensor(context, "res0", result_shape(context), x.dtype)
        kernel = pool.depthwise_f32 if kind == ElementType.F32 else partial(pool.depthwise_half, kind.name.lower())
        return lambda: result.store(kernel(x.load(), weights(), bias(), **fields, **pads()))
    is_signed = bool(context["opd0_sign"] or context["opd1_sign"] or context["opd2_sign"])
    relu = context.operation == DEPTHWISE_RELU
    result = aligned_tensor(context, "res0", result_shape(context), dtype_of(context, "res0", is_signed and not relu))
    fields |= {
        "shift": context["res1_addr"] >> 8 & 255,
        "rounding": context["opd2_n_str"] & 7,
        "relu": relu,
        "is_signed": is_signed,
        "result": result.dtype,
    }
    return lambda: result.store(pool.depthwise_int8(x.load(), weights(), bias(), **fields, **pads()))


def _bind_average(context: Context, kind: ElementType) -> Step:
    x, size, fields = _input(context), (context["opd1_h"], context["opd1_w"]), window_fields(context)
    pads = pad_values(context, x.dtype, context["res0_c"])
    result = aligned_tensor(context, "res0", result_shape(context), dtype_of(context, "res0", context["opd0_sign"]))
    if kind != ElementType.I8:
        multiplier = constant_array(context["opd1_addr"], x.dtype).reshape(())
        kernel = pool.average_f32 if kind == ElementType.F32 else partial(pool.average_half, kind.name.lower())
        return lambda: result.store(kernel(x.load(), size, multiplier, **fields, **pads()))
    multiplier, shift = context["opd1_addr"] & 255, context["opd2_addr"]
    shift -= (shift & 1 << 31) << 1
    return lambda: result.store(
        pool.average_int8(x.load(), size, multiplier, shift, result=result.dtype, **fields, **pads())
    )


def _bind_maximum(context: Context, kind: ElementType) -> Step:
    x, size, fields = _input(context), (context["opd1_h"], context["opd1_w"]), window_fields(context)
    pads = pad_values(context, x.dtype, context["res0_c"])
    result = aligned_tensor(context, "res0", result_shape(context), dtype_of(context, "res0", context["opd0_sign"]))
    kernel = (
        pool.maximum if kind in (ElementType.F32, ElementType.I8) else partial(pool.maximum_half, kind.name.lower())
    )
    if kind == ElementType.I8:
        fields |= {"result": result.dtype}
    return lambda: result.store(kernel(x.load(), size, **fields, **pads()))
