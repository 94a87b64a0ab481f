"""Layers that move values and compute nothing. On constants they are done at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from tpuc_caffe.importer import Importer
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import top


@converts("Reshape")
def reshape(importer: Importer, layer: Layer) -> None:
    """num_axes dimensions from axis on get a new shape: 0 is what stands there now, -1 what remains."""
    parameters, shape = layer.parameters.reshape_param, importer.shape(layer)
    first = parameters.axis if parameters.axis >= 0 else parameters.axis + len(shape) + 1
    last = len(shape) if parameters.num_axes == -1 else first + parameters.num_axes
    wanted = [shape[first + i] if size == 0 else size for i, size in enumerate(parameters.shape.dim)]
    sizes = [*shape[:first], *wanted, *shape[last:]]
    if -1 in sizes:
        known = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = prod(shape) // known if known else 0
    if prod(sizes) != prod(shape):
        raise Unsupported(f"{list(shape)} made {list(parameters.shape.dim)}")
    _reshaped(importer, layer, sizes)


@converts("Flatten")
def flatten(importer: Importer, layer: Layer) -> None:
    parameters, shape = layer.parameters.flatten_param, importer.shape(layer)
    first, last = parameters.axis % len(shape), parameters.end_axis % len(shape)
    _reshaped(importer, layer, [*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]])


def _reshaped(importer: Importer, layer: Layer, shape: Sequence[int]) -> None:
    arrays = importer.constants(layer)
    if arrays:
        importer.fold(layer, arrays[0].reshape(shape))
    else:
        importer.emit(layer, top.ReshapeOp, [importer.input(layer)], shape=list(shape))


@converts("Permute")
def permute(importer: Importer, layer: Layer) -> None:
    """Dimensions that are not named follow in their order."""
    rank, order = len(importer.shape(layer)), list(layer.parameters.permute_param.order)
    order += [axis for axis in range(rank) if axis not in order]
    arrays = importer.constants(layer)
    if arrays:
        importer.fold(layer, arrays[0].transpose(order))
    else:
        importer.emit(layer, top.PermuteOp, [importer.input(layer)], order=order)


@converts("Concat")
def concat(importer: Importer, layer: Layer) -> None:
    parameters = layer.parameters.concat_param
    axis = int(parameters.concat_dim) if parameters.HasField("concat_dim") else parameters.axis
    axis %= len(importer.shape(layer))
    arrays = importer.constants(layer)
    if arrays:
        importer.fold(layer, np.concatenate(arrays, axis))
    elif len(layer.inputs) == 1:
        importer.bind(layer, importer.input(layer))
    else:
        importer.emit(layer, top.ConcatOp, [importer.value(name) for name in layer.inputs], axis=axis)


@converts("Slice")
def slice_(importer: Importer, layer: Layer) -> None:
    """Cut at slice_point, or in equal parts; one slice for each result that somebody wants."""
    parameters, shape = layer.parameters.slice_param, importer.shape(layer)
    axis = int(parameters.slice_dim) if parameters.HasField("slice_dim") else parameters.axis
    axis %= len(shape)
    count = len(layer.outputs)
    points = list(parameters.slice_point) or [shape[axis] * i // count for i in range(1, count)]
    if len(points) != count - 1 or (not parameters.slice_point and shape[axis] % count):
        raise Unsupported(f"{shape[axis]} values for {count} results")
    for i, (begin, end) in enumerate(zip([0, *points], [*points, shape[axis]])):
        if importer.is_used(layer, i):
            begins, ends = [0] * len(shape), list(shape)
            begins[axis], ends[axis] = begin, end
            _cut(importer, layer, i, begins, ends, [axis])


@converts("Crop")
def crop(importer: Importer, layer: Layer) -> None:
    """The dimensions from axis on get the sizes of the second input, beginning at offset."""
    parameters, shape, wanted = layer.parameters.crop_param, importer.shape(layer), importer.shape(layer, 1)
    axis = parameters.axis % len(shape)
    offsets = list(parameters.offset) or [0]
    if len(offsets) not in (1, len(shape) - axis):
        raise Unsupported(f"{len(offsets)} offsets for {len(shape) - axis} dimensions")
    offsets = [0] * axis + (offsets * (len(shape) - axis) if len(offsets) == 1 else offsets)
    ends = [size if i < axis else offset + wanted[i] for i, (size, offset) in enumerate(zip(shape, offsets))]
    if any(end > size for end, size in zip(ends, shape)):
        raise Unsupported(f"{list(wanted)} out of {list(shape)} at {offsets[axis:]}")
    _cut(importer, layer, 0, offsets, ends, list(range(axis, len(shape))))


def _cut(importer: Importer, layer: Layer, index: int, begins: list[int], ends: list[int], axes: list[int]) -> None:
    none = importer.none()
    importer.emit_output(layer, index, top.SliceOp, [importer.input(layer), none, none, none], offset=begins, ends=ends,
                         steps=[1] * len(begins), axes=[], hasparamConvert_axes=axes)


@converts("Tile")
def tile(importer: Importer, layer: Layer) -> None:
    parameters, rank = layer.parameters.tile_param, len(importer.shape(layer))
    times = [1] * rank
    times[parameters.axis % rank] = parameters.tiles
    importer.emit(layer, top.TileOp, [importer.input(layer)], tile=times)


@converts("Reverse")
def reverse(importer: Importer, layer: Layer) -> None:
    axis = layer.parameters.reverse_param.axis % len(importer.shape(layer))
    importer.emit(layer, top.ReverseOp, [importer.input(layer)], axis=axis)


@converts("ShuffleChannel")
def shuffle_channel(importer: Importer, layer: Layer) -> None:
    importer.emit(layer, top.ShuffleChannelOp, [importer.input(layer)], group=layer.parameters.shuffle_channel_param.group)
