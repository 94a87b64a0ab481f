"""Reductions over dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import Unsupported, converts


@converts("ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2")
def reduce(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    rank = len(shape_of(x))
    axes = importer.optional_integers(node, "axes", 1)
    if not axes and node.get("noop_with_empty_axes", 0):
        importer.bind(node.outputs[0], x)
        return
    axes = sorted(a % rank for a in axes) if axes else list(range(rank))
    _note_scalar(importer, node, axes, rank)
    importer.emit(node, top.ReduceOp, [x], axes=axes, keepdims=bool(node.get("keepdims", 1)), mode=node.op)


@converts("ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")
def reduce_composed(importer: Importer, node: Node) -> None:
    """log? (sum (square or exp)? x)"""
    name = node.result_names[0]
    x = importer.value(node.input(0))
    if node.op == "ReduceSumSquare":
        x = importer.emit_named(f"{name}_square", top.MulOp, [x, x])
    elif node.op == "ReduceLogSumExp":
        x = importer.emit_named(f"{name}_exp", top.ExpOp, [x])
    rank = len(shape_of(x))
    axes = importer.optional_integers(node, "axes", 1)
    if not axes and node.get("noop_with_empty_axes", 0):
        raise Unsupported("noop_with_empty_axes")
    all_axes = sorted(a % rank for a in axes) if axes else list(range(rank))
    _note_scalar(importer, node, all_axes, rank)
    attributes = {"axes": all_axes, "keepdims": bool(node.get("keepdims", 1)),
                  "mode": "ReduceSum"}
    if node.op == "ReduceSumSquare":
        importer.emit(node, top.ReduceOp, [x], **attributes)
        return
    total = importer.emit_named(f"{name}_sum", top.ReduceOp, [x], **attributes)
    importer.emit(node, top.LogOp, [total])


def _note_scalar(importer: Importer, node: Node, axes: Sequence[int], rank: int) -> None:
    if len(axes) == rank and not node.get("keepdims", 1):
        importer.mark_scalar(node.outputs[0])


@converts("ArgMax", "ArgMin")
def arg(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    axis = int(node.get("axis", 0)) % len(shape_of(x))
    _note_scalar(importer, node, [axis], len(shape_of(x)))
    names = [node.result_names[0], f"{node.result_names[0]}_values"]
    first = importer.emit_named(names, top.ArgOp, [x], axis=axis, keepdims=bool(node.get("keepdims", 1)), mode=node.op,
                                select_last_index=bool(node.get("select_last_index", 0)))
    importer.bind(node.outputs[0], first)
