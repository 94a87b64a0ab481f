"""Convolution, Deconvolution, InnerProduct."""

from __future__ import annotations

from math import prod

import numpy as np

from tpuc_caffe.importer import Importer
from tpuc_caffe.layers.windows import pair
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import top


@converts("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution")
def convolution(importer: Importer, layer: Layer) -> None:
    parameters = layer.parameters.convolution_param
    channels = _channels(importer, layer)
    group = parameters.group if layer.type == "Convolution" else channels
    attributes = _window(layer)
    bias = importer.blob_weight(layer, 1, [parameters.num_output]) if parameters.bias_term else importer.none()
    weight = importer.blob_weight(layer, 0, [parameters.num_output, channels // group, *attributes["kernel_shape"]])
    importer.emit(layer, top.ConvOp, [importer.input(layer), weight, bias], group=group, **attributes)


@converts("Deconvolution")
def deconvolution(importer: Importer, layer: Layer) -> None:
    """The filter lies in the file as [ic, oc / group, kh, kw]."""
    parameters = layer.parameters.convolution_param
    channels, group, attributes = _channels(importer, layer), parameters.group, _window(layer)
    inputs, outputs = channels // group, parameters.num_output // group
    kernel = importer.blob(layer, 0, [group, inputs, outputs, *attributes["kernel_shape"]]).swapaxes(1, 2)
    weight = importer.add_weight(f"{layer.name}_weight_0", kernel.reshape(-1, inputs, *attributes["kernel_shape"]))
    bias = importer.blob_weight(layer, 1, [parameters.num_output]) if parameters.bias_term else importer.none()
    importer.emit(layer, top.DeconvOp, [importer.input(layer), weight, bias], group=group, output_padding=[0, 0], **attributes)


@converts("InnerProduct")
def inner_product(importer: Importer, layer: Layer) -> None:
    """y = x W^T + b over the dimensions from axis on; the matrix lies in the file as [outputs, inputs], or turned where transpose."""
    parameters = layer.parameters.inner_product_param
    shape = importer.shape(layer)
    axis = parameters.axis % len(shape)
    lead, length, outputs = list(shape[:axis]), prod(shape[axis:]), parameters.num_output
    x = importer.input(layer)
    if axis != len(shape) - 1 or not lead:
        x = importer.emit_step(layer, "reshape", top.ReshapeOp, [x], shape=[*(lead or [1]), length])
    if parameters.transpose:
        weight = importer.blob_weight(layer, 0, [length, outputs])
    else:
        weight = importer.add_weight(f"{layer.name}_filter", importer.blob(layer, 0, [outputs, length]).T)
    bias = importer.blob_weight(layer, 1, [outputs]) if parameters.bias_term else importer.none()
    if lead:
        importer.emit(layer, top.MatMulOp, [x, weight, bias])
    else:
        y = importer.emit_step(layer, "product", top.MatMulOp, [x, weight, bias])
        importer.emit(layer, top.ReshapeOp, [y], shape=[outputs])


def _channels(importer: Importer, layer: Layer) -> int:
    shape = importer.shape(layer)
    if len(shape) != 4 or layer.parameters.convolution_param.axis % len(shape) != 1:
        raise Unsupported(f"an input of {len(shape)} dimensions with axis {layer.parameters.convolution_param.axis}")
    return shape[1]


def _window(layer: Layer) -> dict[str, list[int]]:
    parameters = layer.parameters.convolution_param
    dilation = list(parameters.dilation) or [1]
    return {
        "kernel_shape": pair(parameters, "kernel_size", "kernel"),
        "strides": pair(parameters, "stride", "stride", 1),
        "pads": np.tile(pair(parameters, "pad", "pad", 0), 2).tolist(),
        "dilations": [dilation[0], dilation[-1]],
    }
