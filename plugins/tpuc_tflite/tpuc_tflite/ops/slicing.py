"""Parts of tensors: SLICE, STRIDED_SLICE, SPLIT, UNPACK, GATHER."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tpuc_core.ir import shape_of, top
from tpuc_tflite.elements import element_of
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.layout import TO_FILE, TO_PLANAR, is_same_order
from tpuc_tflite.registry import Unsupported, converts
from tpuc_tflite.slices import strided_slices


@converts("STRIDED_SLICE")
def strided_slice(importer: Importer, node: Node) -> None:
    begins, ends, strides = (importer.parameter(node, i, what) for i, what in ((1, "begin"), (2, "end"), (3, "stride")))
    slices = strided_slices(node, importer.shape(node.input(0)), begins, ends, strides)
    emit_part(importer, node, slices.ranges, 0, slices.result_shape)


@converts("SLICE")
def slice_(importer: Importer, node: Node) -> None:
    shape = importer.shape(node.input(0))
    begins, sizes = (importer.parameter(node, i, what).tolist() for i, what in ((1, "begin"), (2, "size")))
    ranges = [range(b, n if size == -1 else b + size) for b, size, n in zip(begins, sizes, shape)]
    emit_part(importer, node, ranges, 0)


@converts("SPLIT", "SPLIT_V")
def split(importer: Importer, node: Node) -> None:
    """One slice for each output. SPLIT has its axis first; SPLIT_V the sizes second and the axis third."""
    source, axis_at = (1, 0) if node.op == "SPLIT" else (0, 2)
    shape = importer.shape(node.input(source))
    axis = int(importer.parameter(node, axis_at, "axis").reshape(-1)[0]) % len(shape)
    count = len(node.outputs)
    sizes = [shape[axis] // count] * count
    if node.op == "SPLIT_V":
        sizes = [int(n) for n in importer.parameter(node, 1, "sizes")]
        sizes = [shape[axis] - sum(n for n in sizes if n != -1) if n == -1 else n for n in sizes]
    start = 0
    for output, size in enumerate(sizes):
        ranges = [range(n) for n in shape]
        ranges[axis] = range(start, start + size)
        start += size
        emit_part(importer, node, ranges, output, source=source)


@converts("UNPACK")
def unpack(importer: Importer, node: Node) -> None:
    shape = importer.shape(node.input(0))
    axis = node.option("Axis", 0) % len(shape)
    for output in range(len(node.outputs)):
        ranges = [range(n) for n in shape]
        ranges[axis] = range(output, output + 1)
        emit_part(importer, node, ranges, output, [n for i, n in enumerate(shape) if i != axis] or [1])


@converts("GATHER")
def gather(importer: Importer, node: Node) -> None:
    """With constant indices; those that follow each other are a slice."""
    if node.option("BatchDims", 0):
        raise Unsupported("batch dimensions")
    indices, shape = importer.parameter(node, 1, "indices"), importer.shape(node.input(0))
    axis = node.option("Axis", 0) % len(shape)
    flat = [int(i) % shape[axis] for i in indices.reshape(-1)]
    if flat == list(range(flat[0], flat[0] + len(flat))):
        ranges = [range(n) for n in shape]
        ranges[axis] = range(flat[0], flat[0] + len(flat))
        emit_part(importer, node, ranges, 0, [*shape[:axis], *indices.shape, *shape[axis + 1 :]])
        return
    weight = importer.made_weight(
        f"{importer.tensor(node.input(1)).name}_indices", np.array(flat).reshape(indices.shape or (1,))
    )
    importer.emit(node, top.GatherOp, [importer.plain(node.input(0)), weight], axis=axis)


def emit_part(
    importer: Importer,
    node: Node,
    ranges: Sequence[range],
    output: int,
    shape: Sequence[int] | None = None,
    *,
    source: int = 0,
) -> None:
    """The cells `ranges` of an input (per axis of the file) as an output of the node, reshaped where `shape` is another one."""
    index, tensor = node.input(source), importer.tensor(node.outputs[output])
    is_planar = importer.is_planar(index)
    turned = [axis for axis, r in enumerate(ranges) if r.step < 0]
    taken = tuple(len(r) for r in ranges)
    is_last = shape is None or tuple(shape) == taken
    order = TO_PLANAR if is_planar else range(len(ranges))
    ordered = [ranges[a] for a in order]
    none, extents = importer.none(), shape_of(importer.value(index))
    attributes = {
        "offset": [min(r) for r in ordered],
        "ends": [max(r) + 1 for r in ordered],
        "steps": [abs(r.step) for r in ordered],
        "hasparamConvert_axes": [i for i, (r, n) in enumerate(zip(ordered, extents)) if len(r) != n],
    }
    if turned:
        raise Unsupported("a negative stride")
    operands = [importer.value(index), none, none, none]
    if is_last:
        importer.emit(node, top.SliceOp, operands, layout=is_planar, output=output, **attributes)
        return
    value = importer.emit_named(
        importer.new_name(f"{tensor.name}_slice"), top.SliceOp, operands, element_of(tensor), **attributes
    )
    if is_planar and not is_same_order(taken):
        value = importer.emit_named(
            importer.new_name(f"{tensor.name}_nhwc"), top.PermuteOp, [value], element_of(tensor), order=list(TO_FILE)
        )
    importer.emit(node, top.ReshapeOp, [value], output=output, shape=list(shape or []) or [1])
