"""Conv, Deconv and Scale. Integers have a weight scale for each output channel."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.generic import fused_relu, plain_f32
from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts, quantize_bias, quantize_filter
from tpuc_bm1684x.lowering.registry import lowers
from tpuc_core.ir import is_none, is_weight, shape_of, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import Operation, SSAValue

    from tpuc_bm1684x.lowering.context import Lowering

SCALE_GEOMETRY = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1]}


def geometry_obstacle(op: Operation) -> str | None:
    """Why the chip's 2-D convolution cannot run a Conv or Deconv."""
    if len(op.get("kernel_shape")) != 2:
        return f"a kernel of {len(op.get('kernel_shape'))} dimensions"
    if not is_weight(op.operands[1]) or not (is_none(op.operands[2]) or is_weight(op.operands[2])):
        return "a filter or bias that is no constant"
    if any(inserted for inserted in op.get("inserts") or []) if op.name == "top.Conv" else False:
        return "zeros inserted between inputs"
    return None


@lowers("Conv", precision=Precision.F32, unless=geometry_obstacle)
def conv_f32(op: Operation, lowering: Lowering) -> SSAValue:
    return plain_f32(op, lowering, tpu.Conv2DOp, with_bias=not is_none(op.operands[2]), **_dilations(op))


@lowers("Deconv", precision=Precision.F32, unless=geometry_obstacle)
def deconv_f32(op: Operation, lowering: Lowering) -> SSAValue:
    return plain_f32(op, lowering, tpu.DeconvOp, with_bias=not is_none(op.operands[2]), **_dilations(op))


@lowers("Conv", precision=Precision.INT8, unless=geometry_obstacle)
def conv_int8(op: Operation, lowering: Lowering) -> SSAValue:
    weights, bias = lowering.model.weight(op.operands[1]), None
    if not is_none(op.operands[2]):
        bias = lowering.model.weight(op.operands[2]).reshape(-1)
    geometry = {key: op.get(key) for key in ("kernel_shape", "strides", "pads")} | _dilations(op)
    return _conv_int8(op, lowering, weights, bias, group=op.get("group"), **geometry)


def _scale_obstacle(op: Operation) -> str | None:
    shape = shape_of(op.operands[0])
    for operand in op.operands[1:3]:
        if not is_none(operand) and (not is_weight(operand) or prod(shape_of(operand)) != shape[1]):
            return "a scale or bias that is no constant for each channel"
    return None if len(shape) == 4 else f"an input of {len(shape)} dimensions"


@lowers("Scale", precision=Precision.F32, unless=_scale_obstacle)
def scale_f32(op: Operation, lowering: Lowering) -> SSAValue:
    weights, bias = _scale_constants(op, lowering)
    operands = [lowering.real(op.operands[0], op), lowering.weight(op, "filter", weights, "f32"),
                lowering.weight(op, "bias", bias, "f32")]
    return lowering.emit(op, tpu.Conv2DOp, operands, op.results[0].type, group=len(bias), with_bias=True,
                         do_relu=op.get("do_relu"), relu_limit=op.get("relu_limit"), **SCALE_GEOMETRY)


@lowers("Scale", precision=Precision.INT8, unless=_scale_obstacle)
def scale_int8(op: Operation, lowering: Lowering) -> SSAValue:
    weights, bias = _scale_constants(op, lowering)
    return _conv_int8(op, lowering, weights, bias, group=len(bias), **SCALE_GEOMETRY)


def channelwise_int8(op: Operation, lowering: Lowering, factors: np.ndarray) -> SSAValue:
    """x * factors, one for each channel, as a depthwise 1x1 convolution."""
    return _conv_int8(op, lowering, factors.reshape(-1, 1, 1, 1), None, group=factors.size, **SCALE_GEOMETRY)


def _scale_constants(op: Operation, lowering: Lowering) -> tuple[np.ndarray, np.ndarray]:
    channels = shape_of(op.operands[0])[1]
    weights = lowering.model.weight(op.operands[1]).reshape(channels, 1, 1, 1)
    bias = np.zeros(channels, np.float32) if is_none(op.operands[2]) else lowering.model.weight(op.operands[2])
    return weights, bias.reshape(channels)


def _dilations(op: Operation) -> dict[str, list[int]]:
    return {"dilations": op.get("dilations") or [1, 1]}


def _conv_int8(op: Operation, lowering: Lowering, weights: np.ndarray, bias: np.ndarray | None, **geometry: object) -> SSAValue:
    """A Conv2D in INT8: filter `OP_filter_i8` [oc, ic/group, kh, kw], bias `OP_bias_int32` [1, oc, 1, 1]."""
    source = next(v for v in op.operands if not is_weight(v) and not is_none(v))
    x = lowering.quantized(source, op)
    input_scale = lowering.result_quantization(x).scale
    filter_i8, scales = quantize_filter(weights)
    steps = scales.astype(np.float64) * input_scale
    multiplier, rshift = multipliers_and_shifts(steps / lowering.quantization(op).scale)
    operands = [x, lowering.weight(op, "filter_i8", filter_i8, "si8"), lowering.none(op)]
    if bias is not None:
        operands[2] = lowering.weight(op, "bias_int32", quantize_bias(bias, steps).reshape(1, -1, 1, 1), "i32")
    return lowering.emit_int8(op, tpu.Conv2DOp, operands, multiplier=multiplier, rshift=rshift, with_bias=bias is not None,
                              **fused_relu(op), **geometry)
