"""Operators that move elements and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.ir import shape_of, top
from tpuc_tflite.elements import element_of
from tpuc_tflite.graph import Node, Shape
from tpuc_tflite.importer import Importer
from tpuc_tflite.layout import AS_IN_FILE, TO_PLANAR, Layout
from tpuc_tflite.registry import Unsupported, converts


@converts("RESHAPE")
def reshape(importer: Importer, node: Node) -> None:
    """The shape is an input, or an option in old files."""
    array = importer.constant(node.input(1)) if node.input(1) >= 0 else None
    if array is None and node.input(1) >= 0:
        raise Unsupported("a shape that is computed at run time")
    wanted = node.option("NewShapeAsNumpy") if array is None else array
    if wanted is None or isinstance(wanted, int):
        raise Unsupported("no shape")
    emit_reshaped(importer, node, resolved([int(n) for n in np.atleast_1d(wanted)], importer.shape(node.input(0))))


@converts("SQUEEZE")
def squeeze(importer: Importer, node: Node) -> None:
    shape = importer.shape(node.input(0))
    given = node.option("SqueezeDimsAsNumpy")
    axes = [] if given is None or isinstance(given, int) else [int(a) % len(shape) for a in given]
    axes = axes or [i for i, n in enumerate(shape) if n == 1]
    emit_reshaped(importer, node, [n for i, n in enumerate(shape) if i not in axes])


@converts("EXPAND_DIMS")
def expand_dims(importer: Importer, node: Node) -> None:
    shape = list(importer.shape(node.input(0)))
    axis = int(importer.parameter(node, 1, "axis").reshape(-1)[0])
    shape.insert(axis + len(shape) + 1 if axis < 0 else axis, 1)
    emit_reshaped(importer, node, shape)


def resolved(wanted: Sequence[int], shape: Shape) -> list[int]:
    """A shape with -1 worked out."""
    known = math.prod(n for n in wanted if n != -1)
    return [math.prod(shape) // known if n == -1 and known else n for n in wanted]


def emit_reshaped(importer: Importer, node: Node, shape: Sequence[int]) -> None:
    """The input's elements in another shape. A map that is flattened for fully connected layers stays [n, c, h, w]: they order
    their weights after it."""
    index = node.input(0)
    source = importer.home(index)
    if source.shape is not None and importer.is_planar(index) and _is_flattened(importer, node, source.shape, shape):
        importer.emit(node, top.ReshapeOp, [importer.value(index)], layout=source, shape=list(shape))
        return
    importer.emit(node, top.ReshapeOp, [importer.plain(index)], shape=list(shape) or [1])


def _is_flattened(importer: Importer, node: Node, source: Shape, shape: Sequence[int]) -> bool:
    """Whether only fully connected layers with constant weights read the result, as rows of whole maps."""
    index = node.outputs[0]
    readers = importer.readers.get(index, [])
    return (
        list(shape) == [source[0], math.prod(source[1:])]
        and bool(readers)
        and index not in importer.graph.outputs
        and all(
            r.op == "FULLY_CONNECTED"
            and r.input(0) == index
            and importer.constant(r.input(1)) is not None
            and not r.option("KeepNumDims", False)
            for r in readers
        )
    )


@converts("TRANSPOSE")
def transpose(importer: Importer, node: Node) -> None:
    """Nothing moves where the result is the input in its other layout."""
    index = node.input(0)
    order = [int(a) for a in importer.parameter(node, 1, "permutation")]
    source = TO_PLANAR if importer.is_planar(index) else tuple(range(len(order)))
    direct = [source.index(a) for a in order]
    still = list(range(len(order)))
    value = importer.value(index)
    if direct == still:
        importer.bind(node.outputs[0], value)
    elif len(order) == 4 and [direct[a] for a in TO_PLANAR] == still:
        n, c, h, w = shape_of(value)
        importer.bind(node.outputs[0], value, Layout((n, h, w, c)))
    else:
        importer.emit(node, top.PermuteOp, [value], order=direct)


@converts("CONCATENATION")
def concatenation(importer: Importer, node: Node) -> None:
    indices = [i for i in node.inputs if 0 not in importer.shape(i)]
    rank = len(importer.shape(indices[0]))
    is_planar = rank == 4 and any(importer.is_planar(i) for i in indices)
    values = [importer.planar(i) if is_planar else importer.plain(i) for i in indices]
    axis = node.option("Axis", 0) % rank
    importer.emit_activated(
        node, top.ConcatOp, values, layout=is_planar, axis=TO_PLANAR.index(axis) if is_planar else axis
    )


@converts("PACK")
def pack(importer: Importer, node: Node) -> None:
    """Each input with a new axis, then a concatenation."""
    shape = list(importer.shape(node.input(0)))
    axis = node.option("Axis", 0) % (len(shape) + 1)
    wide = [*shape[:axis], 1, *shape[axis:]]
    values = [_wide(importer, i, wide) for i in node.inputs]
    importer.emit(node, top.ConcatOp, values, axis=axis)


def _wide(importer: Importer, index: int, shape: list[int]) -> SSAValue:
    array, tensor = importer.constant(index), importer.tensor(index)
    if array is not None:
        return importer.weight(index, array, shape=tuple(shape), suffix="_wide")
    name = importer.new_name(f"{tensor.name}_wide")
    return importer.emit_named(name, top.ReshapeOp, [importer.plain(index)], element_of(tensor), shape=shape)


@converts("PAD", "PADV2", "MIRROR_PAD")
def pad(importer: Importer, node: Node) -> None:
    index = node.input(0)
    pairs = importer.parameter(node, 1, "padding").astype(int)
    if importer.is_planar(index):
        pairs = pairs[list(TO_PLANAR)]
    paddings = [*pairs[:, 0].tolist(), *pairs[:, 1].tolist()]
    mode, value = "constant", 0.0
    if node.op == "MIRROR_PAD":
        mode = "symmetric" if node.option("Mode", 0) else "reflect"
    if node.op == "PADV2":
        value = _real(importer, node, importer.parameter(node, 2, "value"))
    importer.emit(
        node,
        top.PadOp,
        [importer.value(index)],
        layout=padded(importer, index, pairs),
        paddings=paddings,
        mode=mode,
        val=value,
    )


def _real(importer: Importer, node: Node, array: np.ndarray) -> float:
    quantization = importer.tensor(node.input(0)).quantization if importer.tensor(node.input(0)).is_quantized else None
    number = float(array.reshape(-1)[0])
    return number if quantization is None else (number - quantization.zero_points[0]) * quantization.scales[0]


def padded(importer: Importer, index: int, pairs: np.ndarray) -> Layout:
    """The layout of a padded map; `pairs` in the order of the value's axes."""
    layout = importer.home(index)
    if layout.shape is None:
        return AS_IN_FILE
    return Layout(tuple(n + int(pairs[TO_PLANAR.index(a)].sum()) for a, n in enumerate(layout.shape)))  # type: ignore[arg-type]


@converts("TILE")
def tile(importer: Importer, node: Node) -> None:
    index = node.input(0)
    repeats = [int(n) for n in importer.parameter(node, 1, "repeats")]
    is_planar = importer.is_planar(index)
    if is_planar:
        repeats = [repeats[a] for a in TO_PLANAR]
    importer.emit(node, top.TileOp, [importer.value(index)], layout=is_planar, tile=repeats)


@converts("BROADCAST_TO")
def broadcast_to(importer: Importer, node: Node) -> None:
    wanted, shape = [int(n) for n in importer.parameter(node, 1, "shape")], importer.shape(node.input(0))
    value, tensor = importer.plain(node.input(0)), importer.tensor(node.input(0))
    wide = [1] * (len(wanted) - len(shape)) + list(shape)
    if wide != list(shape):
        value = importer.emit_named(
            importer.new_name(f"{tensor.name}_wide"), top.ReshapeOp, [value], element_of(tensor), shape=wide
        )
    importer.emit(node, top.TileOp, [value], tile=[a // b for a, b in zip(wanted, wide)])


@converts("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def depth_to_space(importer: Importer, node: Node) -> None:
    """In the file's order [.., block, block, c] the block is outermost among the channels: DCR."""
    block = node.option("BlockSize", 1)
    importer.emit(
        node,
        top.Depth2SpaceOp,
        [importer.planar(node.input(0))],
        layout=True,
        block_h=block,
        block_w=block,
        is_CRD=False,
        is_inversed=node.op == "SPACE_TO_DEPTH",
    )
