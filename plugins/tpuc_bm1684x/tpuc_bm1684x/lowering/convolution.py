"""Conv, Deconv and Scale. Integers have a weight scale for each output channel."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tpuc_bm1684x.lowering.filters import IntegerFilter, corrected_bias, float_bias, integer_bias
from tpuc_bm1684x.lowering.folding import MOST_STEPS, Folding, folding_obstacle, is_plain
from tpuc_bm1684x.lowering.generic import fused_relu, plain_float, shared_attributes
from tpuc_bm1684x.lowering.narrowing import narrowed_filter
from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_bm1684x.lowering.rounding import rounded_twice
from tpuc_core.ir import is_none, is_weight, shape_of, tensor_name, tensor_type, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

BIAS = (2,)
"""The operand of a convolution that is of f32 in every float precision."""
SCALE_GEOMETRY: dict[str, Any] = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1]}


def _conv_obstacle(op: TensorOp) -> str | None:
    if reason := constants_obstacle(op):
        return reason
    return "zeros inserted between inputs" if any(op.get("inserts") or []) else folding_obstacle(op)


def constants_obstacle(op: TensorOp) -> str | None:
    """Why the filter or bias of a Conv or Deconv cannot be a block of constants."""
    if not is_weight(op.operands[1]) or not (is_none(op.operands[2]) or is_weight(op.operands[2])):
        return "a filter or bias that is no constant"
    return None


def _deconv_obstacle(op: TensorOp) -> str | None:
    if len(op.get("kernel_shape")) != 2:
        return f"a kernel of {len(op.get('kernel_shape'))} dimensions"
    if reason := constants_obstacle(op) or field_obstacle(op.get("strides")):
        return reason
    if any(d != 1 for d in op.get("dilations") or []):
        return "dilations in a deconvolution"
    top, left, bottom, right = op.get("pads")
    (kh, kw), (more_h, more_w) = op.get("kernel_shape"), op.get("output_padding") or [0, 0]
    pads = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom + more_h, kw - 1 - right + more_w]
    if min(pads) < 0:
        return "more padding than the kernel covers"
    return field_obstacle(pads)


def field_obstacle(*fields: list[int]) -> str | None:
    """Why numbers do not fit the fields of a convolution or pooling instruction."""
    largest = max((number for field in fields for number in field), default=0)
    return f"padding, a stride or a dilation of {largest}, more than {MOST_STEPS}" if largest > MOST_STEPS else None


@lowers("Conv", precision=FLOATS, unless=_conv_obstacle)
def conv_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    if not is_plain(op):
        folding = Folding(op, lowering, lowering.real(op.operands[0], op), lowering.model.weight(op.operands[1]))
        weights = lowering.weight(op, "filter_folded", narrowed_filter(folding.filters, lowering.element), lowering.element)
        return folding.convolve(weights, op.operands[2], lowering.result_type(op), with_bias=not is_none(op.operands[2]),
                                do_relu=op.get("do_relu"), relu_limit=op.get("relu_limit"))
    x, filters, bias = op.operands
    operands = [lowering.real(x, op), lowering.filter(filters, op), bias]
    attributes = shared_attributes(op, tpu.Conv2DOp) | _dilations(op)
    return lowering.emit(op, tpu.Conv2DOp, operands, lowering.result_type(op), with_bias=not is_none(bias), **attributes)


@lowers("Deconv", precision=FLOATS, unless=_deconv_obstacle)
def deconv_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    return plain_float(op, lowering, tpu.DeconvOp, f32_operands=BIAS, with_bias=not is_none(op.operands[2]), **_dilations(op))


@lowers("Conv", precision=Precision.INT8, unless=_conv_obstacle)
def conv_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    if not is_plain(op):
        return _folded_int8(op, lowering)
    geometry = {key: op.get(key) for key in ("kernel_shape", "strides", "pads", "group")} | _dilations(op)
    return _conv_int8(op, lowering, *_filter_and_bias(op, lowering), **geometry)


def _folded_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    filters, bias = _filter_and_bias(op, lowering)
    wanted = lowering.quantization(op)
    folding = Folding(op, lowering, lowering.quantized(op.operands[0], op), filters.values, filters.zero_point)
    filters = replace(filters, values=folding.filters)
    weights, bias_value, multiplier, rshift = _constants_int8(op, lowering, filters, bias)
    return folding.convolve(weights, bias_value, tensor_type(shape_of(op.results[0]), quantization=wanted), multiplier=multiplier,
                            rshift=rshift, kernel_zp=filters.zero_point, with_bias=not is_none(bias_value), **fused_relu(op, wanted))


@lowers("Deconv", precision=Precision.INT8, unless=_deconv_obstacle)
def deconv_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Sums `OP_i32`, then a requantization by `OP_quant_int32` [1, oc, 1, 3]: multiplier, -shift, zero point."""
    filters, bias = _filter_and_bias(op, lowering)
    weights, bias, multipliers, rshifts = _constants_int8(op, lowering, filters, bias)
    wanted = lowering.quantization(op)
    table = np.array([multipliers, [-n for n in rshifts], [wanted.zero_point] * len(rshifts)], np.int32).T.reshape(1, -1, 1, 3)
    quant = lowering.weight(op, "quant_int32", np.ascontiguousarray(table), "i32")
    geometry = {key: op.get(key) for key in ("kernel_shape", "strides", "pads", "output_padding", "group")} | _dilations(op)
    sums = lowering.emit(op, tpu.DeconvOp, [lowering.quantized(op.operands[0], op), weights, bias],
                         tensor_type(shape_of(op.results[0]), "i32"), name=f"{tensor_name(op.results[0])}_i32",
                         with_bias=not is_none(bias), **fused_relu(op), **geometry)
    limit = fused_relu(op, wanted).get("relu_limit", -1.0)
    if not op.get("do_relu") or (wanted.zero_point == wanted.limits[0] and limit < 0):  # saturation is the Relu
        return lowering.emit_int8(op, tpu.RequantIntAxisOp, [sums, quant], quant_mode="MultiplierShift", rq_axis=1)
    result_type, name = tensor_type(shape_of(op.results[0]), quantization=wanted), f"{tensor_name(op.results[0])}_linear"
    linear = lowering.emit(op, tpu.RequantIntAxisOp, [sums, quant], result_type, name=name, quant_mode="MultiplierShift", rq_axis=1)
    return lowering.emit_int8(op, tpu.ReluOp, [linear], relu_limit=limit)


def _filter_and_bias(op: TensorOp, lowering: Lowering) -> tuple[IntegerFilter, SSAValue | np.ndarray]:
    filters = IntegerFilter.of(op.operands[1], lowering.model)
    return filters, corrected_bias(op, lowering.model, filters)


def _scale_obstacle(op: TensorOp) -> str | None:
    shape = shape_of(op.operands[0])
    for operand in op.operands[1:3]:
        if not is_none(operand) and (not is_weight(operand) or prod(shape_of(operand)) != shape[1]):
            return "a scale or bias that is no constant for each channel"
    return None if len(shape) == 4 else f"an input of {len(shape)} dimensions"


@lowers("Scale", precision=FLOATS, unless=_scale_obstacle)
def scale_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    weights, bias = _scale_constants(op, lowering)
    operands = [lowering.real(op.operands[0], op), lowering.float_weight(op, "filter", weights),
                lowering.weight(op, "bias", bias, "f32")]
    return lowering.emit(op, tpu.Conv2DOp, operands, lowering.result_type(op), group=len(bias), with_bias=True,
                         do_relu=op.get("do_relu"), relu_limit=op.get("relu_limit"), **SCALE_GEOMETRY)


@lowers("Scale", precision=Precision.INT8, unless=_scale_obstacle)
def scale_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    weights, bias = _scale_constants(op, lowering)
    return _conv_int8(op, lowering, IntegerFilter.quantized(weights), bias, group=len(bias), **SCALE_GEOMETRY)


def channelwise_int8(op: TensorOp, lowering: Lowering, factors: np.ndarray) -> SSAValue:
    """x * factors, one for each channel, as a depthwise 1x1 convolution."""
    filters = IntegerFilter.quantized(factors.reshape(-1, 1, 1, 1))
    return _conv_int8(op, lowering, filters, None, group=factors.size, **SCALE_GEOMETRY)


def _scale_constants(op: TensorOp, lowering: Lowering) -> tuple[np.ndarray, np.ndarray]:
    channels = shape_of(op.operands[0])[1]
    weights = lowering.model.weight(op.operands[1]).reshape(channels, 1, 1, 1)
    bias = np.zeros(channels, np.float32) if is_none(op.operands[2]) else lowering.model.weight(op.operands[2])
    return weights, bias.reshape(channels)


def _dilations(op: TensorOp) -> dict[str, list[int]]:
    return {"dilations": op.get("dilations") or [1, 1]}


def _conv_int8(op: TensorOp, lowering: Lowering, filters: IntegerFilter, bias: SSAValue | np.ndarray | None, **geometry: object) -> SSAValue:
    source = next(v for v in op.operands if not is_weight(v) and not is_none(v))
    weights, bias_value, multiplier, rshift = _constants_int8(op, lowering, filters, bias)
    twice = rounded_twice(op, lowering)
    if twice is not None:
        (multiplier, rshift), geometry["quant_mode"] = twice, "TFLite"
    return lowering.emit_int8(op, tpu.Conv2DOp, [lowering.quantized(source, op), weights, bias_value], multiplier=multiplier,
                              rshift=rshift, kernel_zp=filters.zero_point, with_bias=not is_none(bias_value),
                              **fused_relu(op, lowering.quantization(op)), **geometry)


def _constants_int8(op: TensorOp, lowering: Lowering, filters: IntegerFilter,
                    bias: SSAValue | np.ndarray | None) -> tuple[SSAValue, SSAValue, list[int], list[int]]:
    """Filter `OP_filter_i8` [oc, ic/group, kh, kw], bias `OP_bias_int32` [1, oc, 1, 1] or none, multipliers and shifts [oc]."""
    given = lowering.result_quantization(next(v for v in op.operands if not is_weight(v) and not is_none(v)))
    filters = filters.holding(float_bias(bias, lowering.model), given)
    steps = np.broadcast_to(filters.steps(given), filters.values.shape[:1])
    multiplier, rshift = multipliers_and_shifts(steps / lowering.quantization(op).scale)
    weights, bias_value = lowering.weight(op, "filter_i8", filters.values, "si8"), lowering.none(op)
    bias_i32 = integer_bias(bias, lowering.model, filters, given)
    if bias_i32 is not None:
        bias_value = lowering.weight(op, "bias_int32", bias_i32.reshape(1, -1, 1, 1), "i32")
    return weights, bias_value, multiplier, rshift
