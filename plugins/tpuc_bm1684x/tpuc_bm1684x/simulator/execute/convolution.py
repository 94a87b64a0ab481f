"""CONV, sCONV: convolution of 8-bit integers, and of floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tpuc_kernels import conv

from tpuc_bm1684x.isa.kinds import ElementType, Layout
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import (
    LocalTensor,
    aligned_tensor,
    compact_tensor,
    constant_array,
    dtype_of,
    element_type,
    per_channel,
    result_shape,
    tensor_by_layout,
)
from tpuc_bm1684x.simulator.execute.weights import float_weights, integer_weights
from tpuc_core.errors import TpucError

NORMAL, REQUANTIZE, REQUANTIZE_RELU = 0, 1, 2
F32 = np.dtype(np.float32)
FLOATS = (ElementType.F32, ElementType.F16, ElementType.BF16)


@executes("CONV", "sCONV")
def bind_convolution(context: Context) -> Step:
    """result = sum of input * (weight - zero point), by the operands' type."""
    kind = element_type(context, context["opd0_prec"])
    if context.operation not in (NORMAL, REQUANTIZE, REQUANTIZE_RELU):
        raise context.not_modelled(f"operation {context.operation}")
    check_windows(context)
    if kind == ElementType.I8:
        return _bind_integer(context) if context.operation == NORMAL else _bind_requantized(context)
    if kind in FLOATS and context["res0_prec"] in (kind, ElementType.F32) and context.operation == NORMAL:
        return _bind_float(context, kind)
    raise context.not_modelled(f"a convolution of {kind.name.lower()} with result type {context['res0_prec']}")


def window_fields(context: Context) -> dict[str, Any]:
    """The keywords of the kernels that say where the windows lie."""
    return {
        "stride": (context["res_op_y_str"], context["res_op_x_str"]),
        "dilation": (context["opd1_y_ins0"] + 1, context["opd1_x_ins0"] + 1),
        "insert": (context["opd0_y_ins0"], context["opd0_x_ins0"]),
        "pads": tuple(context[f"opd0_{side}_pad"] for side in ("up", "dn", "lf", "rt")),
        "pad_mode": context["pad_mode"],
    }


def check_windows(context: Context) -> None:
    """TpucError unless the result has exactly the size that input, kernel and pads give."""
    fields = window_fields(context)
    sizes = []
    for axis, name in enumerate("hw"):
        size, kernel = context[f"opd0_{name}"], context[f"opd1_{name}"]
        before, after = fields["pads"][2 * axis : 2 * axis + 2]
        stride = fields["stride"][axis]
        if not stride or not size or not kernel:
            raise TpucError(f"stride {stride}, input {size}, kernel {kernel} along {name}: none may be 0")
        enlarged = (size - 1) * (fields["insert"][axis] + 1) + 1 + before + after
        sizes.append((enlarged - (kernel - 1) * fields["dilation"][axis] - 1) // stride + 1)
    if min(sizes) < 1 or (context["res0_h"], context["res0_w"]) != tuple(sizes):
        raise TpucError(
            f"the result is {context['res0_h']} x {context['res0_w']}; input and kernel give {sizes[0]} x {sizes[1]}"
        )


def input_tensor(context: Context, dtype: np.dtype) -> LocalTensor:
    """opd0 [n, ic, h, w]."""
    if context["opd0_str"] == Layout.BROADCAST:
        raise context.not_modelled("opd0_str 2")
    shape = context["res0_n"], context["opd0_c"], context["opd0_h"], context["opd0_w"]
    return tensor_by_layout(context, "opd0", shape, dtype)


def pad_values(context: Context, dtype: np.dtype, channels: int) -> Callable[[], dict[str, Any]]:
    """Reads the pad and insert values, one for all channels or one each, as keywords of the kernels."""
    if context["opd3_const"]:
        fixed = {
            "pad_value": constant_array(context["opd3_addr"], dtype).reshape(()),
            "insert_value": constant_array(context["res1_addr"], dtype).reshape(()),
        }
        return lambda: fixed
    pair = compact_tensor(context, "opd3", (1, channels, 1, 2), dtype)

    def load() -> dict[str, Any]:
        values = pair.load()[0, :, 0]
        return {"pad_value": values[:, 0], "insert_value": values[:, 1]}

    return load


def old_result(context: Context, result: LocalTensor) -> Callable[[], np.ndarray | None]:
    """Reads the result's old content where the command adds to it."""
    return result.load if context["res_add"] else lambda: None


def _is_signed(context: Context) -> bool:
    """How the sum of an integer convolution counts: also the presence of a zero point makes it signed."""
    return bool(
        context["opd0_sign"]
        or context["opd1_sign"]
        or context["opd2_sign"]
        or context["opd2_addr"]
        or not context["opd2_const"]
    )


def _bind_integer(context: Context) -> Step:
    x = input_tensor(context, dtype_of(context, "opd0"))
    result_type = dtype_of(context, "res0", _is_signed(context))
    if result_type.kind not in "iu":
        raise context.not_modelled(f"an integer convolution with result type {context['res0_prec']}")
    result = aligned_tensor(context, "res0", result_shape(context), result_type)
    zero_point = per_channel(
        context, "opd2", context["res0_c"], np.dtype(np.int8 if context["opd2_sign"] else np.uint8)
    )
    weights, pads = integer_weights(context, zero_point), pad_values(context, x.dtype, context["opd0_c"])
    old = old_result(context, result) if result_type.itemsize == 4 else lambda: None
    fields = window_fields(context) | {"is_signed": _is_signed(context), "result": result_type}

    def convolve() -> None:
        result.store(conv.conv_int8(x.load(), weights(), old=old(), **fields, **pads()))

    return convolve


def _bind_requantized(context: Context) -> Step:
    relu = context.operation == REQUANTIZE_RELU
    is_signed = bool(context["opd0_sign"] or context["opd1_sign"] or context["opd2_sign"])
    x = input_tensor(context, dtype_of(context, "opd0"))
    result_type = dtype_of(context, "res0", is_signed and not relu)
    result = aligned_tensor(context, "res0", result_shape(context), result_type)
    bias = per_channel(context, "opd2", context["res0_c"], np.dtype(np.int16 if context["opd2_sign"] else np.uint16))
    no_zero_point = np.zeros(1, np.int8)
    weights = integer_weights(context, lambda: no_zero_point)
    shift = context["opd3_addr"] - ((context["opd3_addr"] & 1 << 31) << 1)
    old = old_result(context, result) if result_type.itemsize == 4 else lambda: None
    fields = window_fields(context) | {"is_signed": is_signed, "result": result_type, "shift": shift, "relu": relu}

    def convolve() -> None:
        values = bias()
        result.store(
            conv.conv_int8_requantized(
                x.load(), weights(), values.reshape(-1) if values.size > 1 else values.item(), old=old(), **fields
            )
        )

    return convolve


def _bind_float(context: Context, kind: ElementType) -> Step:
    x = input_tensor(context, kind.numpy())
    result = aligned_tensor(context, "res0", result_shape(context), dtype_of(context, "res0"))
    bias, weights = bias_of(context, context["res0_c"], F32), float_weights(context)
    old = (
        old_result(context, aligned_tensor(context, "res0", result_shape(context), F32))
        if context["res_add"]
        else lambda: None
    )
    pads, fields = pad_values(context, kind.numpy(), context["opd0_c"]), window_fields(context)
    if kind == ElementType.F32:
        return lambda: result.store(conv.conv_f32(x.load(), weights(), bias(), old(), **fields, **pads()))
    kernel = conv.conv_f16 if kind == ElementType.F16 else conv.conv_bf16
    fields |= {"result": ElementType(context["res0_prec"]).name.lower()}
    return lambda: result.store(kernel(x.load(), weights(), bias(), old(), **fields, **pads()))


def bias_of(context: Context, channels: int, dtype: np.dtype) -> Callable[[], np.ndarray]:
    """Reads opd2, a constant or one value per channel, as [c]."""
    if context["opd2_const"]:
        values = np.repeat(constant_array(context["opd2_addr"], dtype).reshape(-1), channels)
        return lambda: values
    tensor = compact_tensor(context, "opd2", (1, channels, 1, 1), dtype)
    return lambda: tensor.load().reshape(-1)
