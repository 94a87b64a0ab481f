"""Operators that take or place elements by indices."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.ops.layout import emit_slice
from tpuc_onnx.registry import Unsupported, converts


@converts("Gather")
def gather(importer: Importer, node: Node) -> None:
    """Constant indices that follow each other are a slice; a single one drops the dimension."""
    dims = importer.shape(node.input(0))
    axis = int(node.get("axis", 0)) % len(dims)
    indices = importer.constant(node.input(1))
    if importer.shape(node.input(1)) == () and len(dims) == 1:
        importer.mark_scalar(node.outputs[0])
    if indices is None:
        _gather_computed(importer, node, axis)
        return
    x = importer.value(node.input(0))
    flat = [int(i) % dims[axis] for i in indices.reshape(-1)]
    if not flat:
        raise Unsupported("an empty result")
    if indices.ndim > 1 or flat != list(range(flat[0], flat[0] + len(flat))):
        weight = importer.weight(f"{node.input(1)}_fix", np.array(flat, np.float32).reshape(indices.shape))
        importer.emit(node, top.GatherOp, [x, weight], axis=axis)
        return
    begins, ends = [0] * len(dims), list(dims)
    begins[axis], ends[axis] = flat[0], flat[0] + len(flat)
    name = node.result_names[0]
    inner = name if indices.ndim else f"{name}_slice"
    emit_slice(importer, node, inner, node.outputs[0], begins, ends, [1] * len(dims), [axis])
    if not indices.ndim:
        importer.emit(node, top.SqueezeOp, [importer.value(node.outputs[0])], axes=[axis])


def _gather_computed(importer: Importer, node: Node, axis: int) -> None:
    """keepdims false: one index, without axes, drops the dimension."""
    indices = importer.value(node.input(1))
    is_single = importer.shape(node.input(1)) == ()
    if shape_of(indices) == ():
        indices = importer.emit_named(f"{node.result_names[0]}_index", top.ReshapeOp, [indices], shape=[1])
    importer.emit(node, top.GatherOp, [importer.value(node.input(0)), indices], axis=axis, keepdims=not is_single)


@converts("GatherElements")
def gather_elements(importer: Importer, node: Node) -> None:
    operands = [importer.value(node.input(0)), importer.value(node.input(1))]
    importer.emit(node, top.GatherElementsOp, operands, axis=_axis(importer, node, 0))


@converts("GatherND")
def gather_nd(importer: Importer, node: Node) -> None:
    operands = [importer.value(node.input(0)), importer.value(node.input(1))]
    importer.emit(node, top.GatherNDOp, operands, batch_dims=node.get("batch_dims", 0))


def _axis(importer: Importer, node: Node, default: int) -> int:
    return int(node.get("axis", default)) % max(len(importer.shape(node.input(0))), 1)


REDUCTIONS = {"none": 0, "add": 1}


def _reduction(node: Node) -> int:
    kind = str(node.get("reduction", "none"))
    if kind not in REDUCTIONS:
        raise Unsupported(f"the reduction {kind}")
    return REDUCTIONS[kind]


@converts("ScatterElements", "Scatter")
def scatter_elements(importer: Importer, node: Node) -> None:
    operands = [importer.value(name) for name in node.inputs[:3]]
    importer.emit(node, top.ScatterElementsOp, operands, axis=_axis(importer, node, 0), reduction=_reduction(node))


@converts("ScatterND")
def scatter_nd(importer: Importer, node: Node) -> None:
    operands = [importer.value(name) for name in node.inputs[:3]]
    importer.emit(node, top.ScatterNDOp, operands, reduction=_reduction(node))


@converts("OneHot")
def one_hot(importer: Importer, node: Node) -> None:
    """on where the index is that of the place along a new axis, off elsewhere; negative indices count from the end."""
    depth = int(importer.parameter(node, 1, "depth").reshape(-1)[0])
    off, on = (float(v) for v in importer.parameter(node, 2, "values").reshape(-1))
    name = node.result_names[0]
    indices, shape = importer.value(node.input(0)), importer.shape(node.input(0))
    rank = len(shape) + 1
    axis = int(node.get("axis", -1)) % rank
    if importer.dtype(node.input(0)).kind != "u":
        indices = _from_the_end(importer, name, indices, depth)
    wide = importer.emit_named(f"{name}_indices", top.ReshapeOp, [indices], shape=[*shape[:axis], 1, *shape[axis:]])
    places = importer.weight(f"{name}_places", np.arange(depth).reshape(-1, *(1,) * (rank - 1 - axis)))
    found = importer.emit_named(f"{name}_found", top.CompareOp, [wide, places], mode="Equal")
    none = importer.none()
    importer.emit(node, top.WhereOp, [found, none, none], x_is_const=True, x_const_val=on, y_is_const=True, y_const_val=off)


def _from_the_end(importer: Importer, name: str, indices: SSAValue, depth: int) -> SSAValue:
    is_negative = importer.emit_named(f"{name}_negative", top.CompareConstOp, [indices], mode="Less", const_val=0.0, inversed=False)
    counted = importer.emit_named(f"{name}_counted", top.AddConstOp, [indices], const_val=float(depth))
    return importer.emit_named(f"{name}_index", top.WhereOp, [is_negative, counted, indices])


@converts("TopK")
def top_k(importer: Importer, node: Node) -> None:
    count = importer.integers(node, "k", 1)[0]
    axis = _axis(importer, node, -1)
    outputs = [*node.outputs, ""][:2]
    name = node.label_name
    names = [f"{o}_{node.op}" if o else f"{name}_{node.op}_{what}" for o, what in zip(outputs, ("values", "indices"))]
    results = importer.emit_results(names, top.TopKOp, [importer.value(node.input(0))], K=count, axis=axis,
                                    largest=bool(node.get("largest", 1)))
    for output, value in zip(outputs, results):
        if output:
            importer.bind(output, value)


@converts("Compress")
def compress(importer: Importer, node: Node) -> None:
    """The slices whose condition, a constant, holds."""
    condition = np.flatnonzero(importer.parameter(node, 1, "condition")).astype(np.float32)
    if not condition.size:
        raise Unsupported("an empty result")
    x = importer.value(node.input(0))
    if "axis" not in node.attributes:
        x = importer.emit_named(f"{node.result_names[0]}_flat", top.ReshapeOp, [x], shape=[int(np.prod(shape_of(x)))])
    axis = _axis(importer, node, 0) if "axis" in node.attributes else 0
    importer.emit(node, top.GatherOp, [x, importer.weight(f"{node.result_names[0]}_indices", condition)], axis=axis)


@converts("NonZero", "Unique")
def of_unknown_size(importer: Importer, node: Node) -> None:
    raise Unsupported("a result whose shape depends on values")


@converts("Range", "ConstantOfShape")
def of_computed_size(importer: Importer, node: Node) -> None:
    raise Unsupported("a shape that is computed at run time")


@converts("Trilu")
def triangle(importer: Importer, node: Node) -> None:
    diagonal = importer.optional_parameter(node, 1, "diagonal")
    importer.emit(node, top.TriluOp, [importer.value(node.input(0))], upper=int(node.get("upper", 1)),
                  diagonal=0 if diagonal is None else int(diagonal.reshape(-1)[0]))


@converts("CumSum")
def cumulative_sum(importer: Importer, node: Node) -> None:
    if node.get("exclusive", 0):
        raise Unsupported("an exclusive sum")
    x = importer.value(node.input(0))
    axis = int(importer.parameter(node, 1, "axis").reshape(-1)[0]) % len(shape_of(x))
    name = node.result_names[0]
    where = importer.weight(f"{name}_axis", np.array([axis]))
    if not node.get("reverse", 0):
        importer.emit(node, top.CumSumOp, [x, where], axis=axis)
        return
    turned = importer.emit_named(f"{name}_turned", top.ReverseOp, [x], axis=axis)
    total = importer.emit_named(f"{name}_total", top.CumSumOp, [turned, where], axis=axis)
    importer.emit(node, top.ReverseOp, [total], axis=axis)


@converts("ReverseSequence")
def reverse_sequence(importer: Importer, node: Node) -> None:
    """One reversal, or, for sequences of several lengths, a gather."""
    x = importer.value(node.input(0))
    shape = shape_of(x)
    batch_axis, time_axis = node.get("batch_axis", 1), node.get("time_axis", 0)
    lengths = importer.parameter(node, 1, "lengths of sequences")
    if np.all(lengths == shape[time_axis]):
        importer.emit(node, top.ReverseOp, [x], axis=time_axis)
        return
    places = np.tile(np.arange(shape[time_axis]), (shape[batch_axis], 1))
    for row, length in zip(places, lengths):
        row[:length] = row[:length][::-1]
    places = places if batch_axis == 0 else places.T
    full = np.broadcast_to(places.reshape(*places.shape, *(1,) * (len(shape) - 2)), shape)
    weight = importer.weight(f"{node.result_names[0]}_places", full)
    importer.emit(node, top.GatherElementsOp, [x, weight], axis=time_axis)
