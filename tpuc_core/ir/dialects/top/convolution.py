"""Convolutions and matrix products."""

from __future__ import annotations

import numpy as np
from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import (
    Shape,
    Shapes,
    TensorOp,
    Values,
    default,
    operand,
    optional,
    required,
    result,
    slot,
)
from tpuc_core.ir.dialects.kinds import BOOL, F64, I64, I64S, one_of
from tpuc_core.ir.dialects.top.windows import AUTO_PAD, resolve_pads, window_shape
from tpuc_core.ir.dialects.top.words import FusesRelu, broadcast


def _check_filter(op: TensorOp, shape: Shape, kernel: Shape, rank: int) -> None:
    groups = op.get("group")
    if len(kernel) != rank + 2 or kernel[1] * groups != shape[1] or kernel[0] % groups:
        raise op.error(f"filter {list(kernel)} in {groups} groups does not fit an input of shape {list(shape)}")


@irdl_op_definition
class ConvOp(FusesRelu):
    """y = relu?(conv(x, filter) + bias): x [n, ic, ih, iw], filter [oc, ic / group, kh, kw], bias [oc] -> y [n, oc, oh, ow].

    pads are [top, left, bottom, right], padding is 0. One spatial dimension or three work alike; a map of one dimension
    [n, ic, l] with a filter of two, [oc, ic, k, 1], counts as one of width 1.
    Source: ONNX Conv, TFLite CONV_2D and DEPTHWISE_CONV_2D, Caffe Convolution.
    """

    name = "top.Conv"
    input = operand()
    filter = operand()
    bias = slot()
    output = result()
    auto_pad = optional(AUTO_PAD)
    dilations = optional(I64S)
    do_winograd = optional(BOOL)
    dynweight_reorderd = default(BOOL, False)
    group = default(I64, 1)
    in_int4_scale = optional(F64)
    in_int4_zp = optional(F64)
    inserts = optional(I64S)
    kernel_shape = required(I64S)
    out_int8_scale = optional(F64)
    out_int8_zp = optional(F64)
    pads = required(I64S)
    strides = required(I64S)
    weight_bits = optional(I64)
    weight_is_coeff = default(I64, 1)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        (batch, _, *spatial), kernel = shapes[0], shapes[1]
        is_line = len(spatial) == 1 and len(kernel) == 4
        if is_line:
            spatial.append(1)
        _check_filter(self, shapes[0], kernel, len(spatial))
        if shapes[2] is not None and int(np.prod(shapes[2])) != kernel[0]:
            raise self.error(f"bias {list(shapes[2])} does not fit {kernel[0]} output channels")
        resolve_pads(self, spatial)
        sizes = window_shape(self, spatial)
        return [(batch, kernel[0], *(sizes[:1] if is_line else sizes))]


@irdl_op_definition
class DeconvOp(FusesRelu):
    """Transposed convolution: every x adds x * filter to a window of y: x [n, ic, ih, iw], filter [oc, ic / group, kh, kw].

    oh = (ih - 1) * stride + dilation * (kh - 1) + 1 + output_padding - pads. Source: ONNX ConvTranspose, TFLite
    TRANSPOSE_CONV, Caffe Deconvolution.
    """

    name = "top.Deconv"
    input = operand()
    filter = operand()
    bias = slot()
    output = result()
    dilations = optional(I64S)
    dynweight_reorderd = default(BOOL, False)
    group = default(I64, 1)
    kernel_shape = required(I64S)
    output_padding = optional(I64S)
    pads = required(I64S)
    strides = required(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        (batch, _, *spatial), kernel = shapes[0], shapes[1]
        rank = len(spatial)
        _check_filter(self, shapes[0], kernel, rank)
        pads, strides = self.get("pads"), self.get("strides")
        dilations = self.get("dilations") or [1] * rank
        extra = self.get("output_padding") or [0] * rank
        sizes = (
            (n - 1) * strides[i] + dilations[i] * (kernel[i + 2] - 1) + 1 + extra[i] - pads[i] - pads[i + rank]
            for i, n in enumerate(spatial)
        )
        return [(batch, kernel[0], *sizes)]


@irdl_op_definition
class MatMulOp(FusesRelu):
    """y = relu?(left @ right + bias): left [..., m, k], right [..., k, n] -> y [..., m, n]; leading dimensions broadcast.

    right_transpose: right is [..., n, k]; left_transpose: left is [..., k, m]. hdim_is_batch: the dimension before the last
    but one ([b, m, h, k]) is a batch dimension. Source: ONNX Gemm and MatMul, TFLite FULLY_CONNECTED, Caffe InnerProduct.
    """

    name = "top.MatMul"
    input = operand()
    right = operand()
    bias = slot()
    output = result()
    dq_type = default(one_of("NONE", "F16", "BF16", "INT8", "INT4", "F8E4M3", "F4", "MXF4"), "NONE")
    hdim_is_batch = default(BOOL, False)
    in_int4_scale = optional(F64)
    in_int4_zp = optional(F64)
    is_lora = default(BOOL, False)
    keep_dims = default(BOOL, True)
    left_transpose = default(BOOL, False)
    out_int8_scale = optional(F64)
    out_int8_zp = optional(F64)
    output_transpose = default(BOOL, False)
    q_group_size = default(I64, 0)
    right_transpose = default(BOOL, False)
    weight_bits = optional(I64)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        left, right = list(shapes[0]), list(shapes[1])
        is_vector = (len(left) == 1, len(right) == 1)
        left, right = ([1, *left] if is_vector[0] else left), ([*right, 1] if is_vector[1] else right)
        if self.get("hdim_is_batch"):
            left[1], left[2] = left[2], left[1]
            right[1], right[2] = right[2], right[1]
        if self.get("left_transpose"):
            left[-2:] = left[-1], left[-2]
        if self.get("right_transpose"):
            right[-2:] = right[-1], right[-2]
        if left[-1] != right[-2]:
            raise self.error(f"a product of {list(shapes[0])} and {list(shapes[1])} does not exist")
        batch = list(broadcast(self, [tuple(left[:-2]), tuple(right[:-2])]))
        output = self._arranged([*batch, left[-2], right[-1]])
        if is_vector[0]:
            del output[-2]
        if is_vector[1]:
            del output[-1]
        return [tuple(output) or (1,)]

    def _arranged(self, output: list[int]) -> list[int]:
        if self.get("hdim_is_batch"):
            output[1], output[2] = output[2], output[1]
        if self.get("output_transpose"):
            output[-2:] = output[-1], output[-2]
        if not self.get("keep_dims"):
            output = [int(np.prod(output[:-1])), output[-1]]
        return output
