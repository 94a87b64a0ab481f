"""Pooling."""

from __future__ import annotations

from typing import Any

from tpuc_caffe.importer import Importer
from tpuc_caffe.layers.windows import pair
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import top

MAX, AVE = 0, 1
FLOOR = 1


@converts("Pooling")
def pooling(importer: Importer, layer: Layer) -> None:
    """Results are counted upwards; the last window must begin inside the map or its first padding."""
    parameters, shape = layer.parameters.pooling_param, importer.shape(layer)
    if len(shape) != 4:
        raise Unsupported(f"an input of {len(shape)} dimensions")
    if parameters.pool not in (MAX, AVE):
        raise Unsupported("stochastic pooling")
    if importer.is_used(layer, 1):
        raise Unsupported("a mask")
    op_class = top.MaxPoolOp if parameters.pool == MAX else top.AvgPoolOp
    if parameters.global_pooling:
        importer.emit(layer, op_class, [importer.input(layer)], kernel_shape=list(shape[2:]), strides=[1, 1], pads=[0] * 4,
                      count_include_pad=True)
        return
    kernel = pair(parameters, "kernel_size", "kernel")
    strides = pair(parameters, "stride", "stride", 1)
    pads = pair(parameters, "pad", "pad", 0)
    is_floor = parameters.round_mode == FLOOR or not parameters.ceil_mode
    sizes = zip(shape[2:], kernel, strides, pads)
    ends = [_end_pad(*each, is_floor=is_floor, is_padded=any(pads)) for each in sizes]
    attributes = {"kernel_shape": kernel, "strides": strides, "pads": [*pads, *ends]}
    if parameters.pool == MAX:
        importer.emit(layer, op_class, [importer.input(layer)], count_include_pad=True, **attributes)
    else:
        _average(importer, layer, attributes, pads)


def _average(importer: Importer, layer: Layer, attributes: dict[str, Any], pads: list[int]) -> None:
    """The mean counts cells of the padding, but none behind it, where the last window may end."""
    x, ends = importer.input(layer), attributes["pads"][2:]
    hangs_over = any(end > pad for pad, end in zip(pads, ends))
    if hangs_over and any(pads):
        x = importer.emit_step(layer, "pad", top.PadOp, [x, importer.none()], paddings=[0, 0, *pads] * 2, mode="constant", val=0.0)
        attributes["pads"] = [0, 0, *(max(end - pad, 0) for pad, end in zip(pads, ends))]
    importer.emit(layer, top.AvgPoolOp, [x], count_include_pad=not hangs_over, **attributes)


def _end_pad(size: int, kernel: int, stride: int, pad: int, *, is_floor: bool, is_padded: bool) -> int:
    """How many cells behind the map the last window covers, at least 0. A window that is not full counts, unless is_floor."""
    room = size + 2 * pad - kernel
    count = (room // stride if is_floor else -(-room // stride)) + 1
    if is_padded and (count - 1) * stride >= size + pad:
        count -= 1
    return max((count - 1) * stride + kernel - size - pad, 0)
