"""CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, and MediaPipe's Convolution2DTransposeBias."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.ir import shape_of, top
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.layout import TO_PLANAR
from tpuc_tflite.ops.windows import pads_of
from tpuc_tflite.registry import Unsupported, converts


@converts("CONV_2D")
def conv_2d(importer: Importer, node: Node) -> None:
    """The filter [oc, kh, kw, ic / groups] becomes [oc, ic / groups, kh, kw]."""
    kernel = importer.parameter(node, 1, "filter").transpose(TO_PLANAR)
    groups = importer.shape(node.input(0))[3] // kernel.shape[1]
    _emit(importer, node, kernel, groups)


@converts("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(importer: Importer, node: Node) -> None:
    """The filter [1, kh, kw, oc] becomes [oc, 1, kh, kw]."""
    kernel = importer.parameter(node, 1, "filter").transpose(3, 0, 1, 2)
    _emit(importer, node, kernel, importer.shape(node.input(0))[3])


def _emit(importer: Importer, node: Node, kernel: np.ndarray, groups: int) -> None:
    x = importer.planar(node.input(0))
    sizes = kernel.shape[2:]
    strides = [node.option("StrideH", 1), node.option("StrideW", 1)]
    dilations = [node.option("DilationHFactor", 1), node.option("DilationWFactor", 1)]
    attributes = {
        "kernel_shape": list(sizes),
        "strides": strides,
        "dilations": dilations,
        "group": groups,
        "pads": pads_of(node, shape_of(x)[2:], sizes, strides, dilations),
    }
    importer.emit_activated(
        node,
        top.ConvOp,
        [x, importer.weight(node.input(1), kernel), _bias(importer, node, 2)],
        layout=True,
        **attributes,
    )


def _bias(importer: Importer, node: Node, position: int) -> SSAValue:
    index = node.input(position)
    return importer.none() if index < 0 else importer.weight(index, importer.parameter(node, position, "bias"))


@converts("TRANSPOSE_CONV")
def transpose_conv(importer: Importer, node: Node) -> None:
    """Inputs: the result's shape, filter [oc, kh, kw, ic], input, bias."""
    shape = [int(n) for n in importer.parameter(node, 0, "result shape")]
    strides = [node.option("StrideH", 1), node.option("StrideW", 1)]
    _emit_transposed(importer, node, (2, 1, 3), shape[1:3], strides)


@converts("Convolution2DTransposeBias")
def convolution_2d_transpose_bias(importer: Importer, node: Node) -> None:
    """Inputs: input, filter [oc, kh, kw, ic], bias. Options: padding (1 SAME, 2 VALID), horizontal and vertical stride, as int32."""
    if len(node.custom_options) < 12:
        raise Unsupported(f"{len(node.custom_options)} bytes of options")
    padding, stride_w, stride_h = struct.unpack_from("<3i", node.custom_options)
    _, height, width, _ = importer.shape(node.input(0))
    kernel = importer.parameter(node, 1, "filter")
    sizes = [height * stride_h, width * stride_w]
    if padding == 2:
        sizes = [(n - 1) * s + k for n, s, k in zip((height, width), (stride_h, stride_w), kernel.shape[1:3])]
    _emit_transposed(importer, node, (0, 1, 2), sizes, [stride_h, stride_w])


def _emit_transposed(
    importer: Importer, node: Node, positions: tuple[int, int, int], sizes: list[int], strides: list[int]
) -> None:
    """A deconvolution whose result has those sizes; `positions` of input, filter and bias among the node's inputs."""
    x = importer.planar(node.input(positions[0]))
    kernel = importer.parameter(node, positions[1], "filter").transpose(TO_PLANAR)
    begins, ends, extra = [], [], []
    for size, wanted, stride, extent in zip(shape_of(x)[2:], sizes, strides, kernel.shape[2:]):
        total = (size - 1) * stride + extent - wanted
        begins.append(max(total, 0) // 2)
        ends.append(max(total, 0) - max(total, 0) // 2)
        extra.append(max(-total, 0))
    attributes: dict[str, Any] = {
        "kernel_shape": list(kernel.shape[2:]),
        "strides": strides,
        "pads": begins + ends,
        "dilations": [1, 1],
        "output_padding": extra,
    }
    weight = importer.weight(node.input(positions[1]), kernel)
    importer.emit_activated(
        node, top.DeconvOp, [x, weight, _bias(importer, node, positions[2])], layout=True, **attributes
    )
