"""Layers on several tensors, and on a tensor and constants per channel."""

from __future__ import annotations

from math import prod

import numpy as np
from xdsl.ir import SSAValue

from tpuc_caffe.importer import Importer
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import shape_of, top

PROD, SUM, MAX, MIN = range(4)


@converts("Eltwise")
def eltwise(importer: Importer, layer: Layer) -> None:
    parameters = layer.parameters.eltwise_param
    values = [importer.value(name) for name in layer.inputs]
    if len({shape_of(value) for value in values}) != 1:
        raise Unsupported("inputs of several shapes")
    if parameters.operation == SUM:
        _sum(importer, layer, values, list(parameters.coeff) or [1.0] * len(values))
        return
    _fold_left(importer, layer, {PROD: top.MulOp, MAX: top.MaxOp, MIN: top.MinOp}[parameters.operation], values)


def _sum(importer: Importer, layer: Layer, values: list[SSAValue], factors: list[float]) -> None:
    if len(factors) != len(values):
        raise Unsupported(f"{len(factors)} factors for {len(values)} inputs")
    if factors == [1.0, -1.0]:
        importer.emit(layer, top.SubOp, values)
        return
    scaled = [
        value if factor == 1 else importer.emit_step(layer, f"term{i}", top.MulConstOp, [value], const_val=factor)
        for i, (value, factor) in enumerate(zip(values, factors))
    ]
    _fold_left(importer, layer, top.AddOp, scaled)


def _fold_left(importer: Importer, layer: Layer, op_class: type, values: list[SSAValue]) -> None:
    """Two at a time, from the left, as Caffe does it."""
    result = values[0]
    for i, value in enumerate(values[1:-1], start=1):
        result = importer.emit_step(layer, str(i), op_class, [result, value])
    importer.emit(layer, op_class, [result, values[-1]])


@converts("Scale")
def scale(importer: Importer, layer: Layer) -> None:
    """y = x * scale + bias; scale is constant or the second input, and lies along the dimensions from axis on."""
    parameters, shape = layer.parameters.scale_param, importer.shape(layer)
    x = importer.input(layer)
    if len(layer.inputs) > 1:
        factor = _along(importer, layer, importer.input(layer, 1), parameters.axis, len(shape))
        if not parameters.bias_term:
            importer.emit(layer, top.MulOp, [x, factor])
            return
        y = importer.emit_step(layer, "product", top.MulOp, [x, factor])
        bias = importer.blob_weight(layer, 0, shape_of(factor))
        importer.emit(layer, top.AddOp, [y, bias])
        return
    extent = _extent(parameters, shape)
    weights = importer.blob_weight(layer, 0, extent)
    if extent == [1, shape[1], *[1] * (len(shape) - 2)]:
        channels = [1, shape[1]]
        bias = importer.blob(layer, 1, channels) if parameters.bias_term else np.zeros(channels)
        importer.emit(layer, top.ScaleOp, [x, importer.add_weight(f"{layer.name}_scale", importer.blob(layer, 0, channels)),
                                           importer.add_weight(f"{layer.name}_bias", bias)])
    elif parameters.bias_term:
        y = importer.emit_step(layer, "product", top.MulOp, [x, weights])
        importer.emit(layer, top.AddOp, [y, importer.blob_weight(layer, 1, extent)])
    else:
        importer.emit(layer, top.MulOp, [x, weights])


@converts("Bias")
def bias(importer: Importer, layer: Layer) -> None:
    parameters, shape = layer.parameters.bias_param, importer.shape(layer)
    if len(layer.inputs) > 1:
        term = _along(importer, layer, importer.input(layer, 1), parameters.axis, len(shape))
    else:
        term = importer.blob_weight(layer, 0, _extent(parameters, shape))
    importer.emit(layer, top.AddOp, [importer.input(layer), term])


def _extent(parameters: object, shape: tuple[int, ...]) -> list[int]:
    """The shape of constants along num_axes dimensions from axis on (-1: all that follow), 1 elsewhere."""
    first = parameters.axis % len(shape)  # type: ignore[attr-defined]
    count = parameters.num_axes  # type: ignore[attr-defined]
    last = len(shape) if count == -1 else first + count
    return [size if first <= i < last else 1 for i, size in enumerate(shape)]


def _along(importer: Importer, layer: Layer, value: SSAValue, axis: int, rank: int) -> SSAValue:
    """The value with dimensions of 1 around, so that its own ones lie at axis."""
    shape = shape_of(value)
    first = axis % rank
    wanted = [1] * first + list(shape) + [1] * (rank - first - len(shape))
    if len(wanted) != rank or prod(shape) == 0:
        raise Unsupported(f"a second input of {len(shape)} dimensions at axis {axis}")
    return value if tuple(wanted) == shape else importer.emit_step(layer, "operand", top.ReshapeOp, [value], shape=wanted)
