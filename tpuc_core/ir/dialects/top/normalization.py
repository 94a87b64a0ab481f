"""Normalizations: per channel with constants, over a neighbourhood, over the last dimensions."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import (
    SameShapeOp,
    Shape,
    Shapes,
    UnaryOp,
    Values,
    default,
    operand,
    required,
    result,
    slot,
)
from tpuc_core.ir.dialects.kinds import BOOL, F64, I64, I64S, SI32
from tpuc_core.ir.dialects.top.words import FusesRelu, normalized_axis


@irdl_op_definition
class BatchNormOp(SameShapeOp, FusesRelu):
    """y = relu?((x - mean) / sqrt(variance + epsilon) * gamma + beta), all [c]. Source: ONNX BatchNormalization, Caffe BatchNorm.

    The order of operands is not that of ONNX.
    """

    name = "top.BatchNorm"
    input = operand()
    mean = operand()
    variance = operand()
    gamma = slot()
    beta = slot()
    output = result()
    epsilon = default(F64, 1e-05)


@irdl_op_definition
class ScaleOp(SameShapeOp, FusesRelu):
    """y = relu?(x * scale + bias), both [c]. Source: BatchNorm; Mul and Add with constants of one value a channel; Caffe Scale."""

    name = "top.Scale"
    input = operand()
    scale = operand()
    bias = operand()
    output = result()


@irdl_op_definition
class LayerNormOp(SameShapeOp):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias over the dimensions from axis on. Source: ONNX LayerNormalization."""

    name = "top.LayerNorm"
    input = operand()
    weight = slot()
    bias = slot()
    output = result()
    axis = required(SI32)
    eps = required(F64)
    normalized_shape = required(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        axis = normalized_axis(self, self.get("axis"), len(shapes[0]))
        self.set(axis=axis, normalized_shape=shapes[0][axis:])
        return [shapes[0]]


@irdl_op_definition
class LRNOp(UnaryOp):
    """y = x / (bias + alpha / size * the sum of x^2 over size neighbouring channels) ** beta. Source: ONNX LRN, Caffe LRN."""

    name = "top.LRN"
    alpha = default(F64, 0.0001)
    beta = default(F64, 0.75)
    bias = default(F64, 1.0)
    size = required(I64)


@irdl_op_definition
class NormalizeOp(SameShapeOp):
    """y = x / sqrt(the sum of x^2 over channels, and over the map where across_spatial) * scale. Source: Caffe Normalize."""

    name = "top.Normalize"
    input = operand()
    scale = operand()
    output = result()
    across_spatial = default(BOOL, False)
    channel_shared = default(BOOL, True)


@irdl_op_definition
class GroupNormOp(SameShapeOp):
    """A layer norm over each of num_groups groups of channels. Source: ONNX GroupNormalization."""

    name = "top.GroupNorm"
    input = operand()
    weight = slot()
    bias = slot()
    output = result()
    eps = required(F64)
    num_groups = required(I64)


@irdl_op_definition
class InstanceNormOp(SameShapeOp):
    """A layer norm over the map of each channel. Source: ONNX InstanceNormalization."""

    name = "top.InstanceNorm"
    input = operand()
    weight = slot()
    bias = slot()
    output = result()
    eps = required(F64)
