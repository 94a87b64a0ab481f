"""Sums, means and extremes over axes, and the place of the extreme."""

from __future__ import annotations

from tpuc_core.ir import top
from tpuc_tflite.elements import element_of
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.registry import Unsupported, converts

_MODES = {
    "MEAN": "ReduceMean",
    "SUM": "ReduceSum",
    "REDUCE_MAX": "ReduceMax",
    "REDUCE_MIN": "ReduceMin",
    "REDUCE_PROD": "ReduceProd",
}


@converts(*_MODES)
def reduce(importer: Importer, node: Node) -> None:
    """The mean over both axes of a map is an average pool of the whole map."""
    index, tensor = node.input(0), importer.tensor(node.outputs[0])
    shape = importer.shape(index)
    axes = sorted({int(a) % len(shape) for a in importer.parameter(node, 1, "axes").reshape(-1)})
    keeps = bool(node.option("KeepDims", False))
    if axes == [1, 2] and len(shape) == 4 and node.op in ("MEAN", "REDUCE_MAX"):
        _reduce_map(importer, node, keeps)
        return
    is_planar = importer.is_planar(index)
    mapped = sorted(importer.axis(index, a) for a in axes)
    if not is_planar or keeps:
        importer.emit(
            node,
            top.ReduceOp,
            [importer.value(index)],
            layout=is_planar,
            axes=mapped,
            keepdims=keeps,
            mode=_MODES[node.op],
        )
        return
    # dropping axes changes which layouts there are: the result goes by the file's
    if tensor.is_quantized:
        raise Unsupported("a reduction over these axes of a quantized map")
    importer.emit(node, top.ReduceOp, [importer.plain(index)], axes=axes, keepdims=False, mode=_MODES[node.op])


def _reduce_map(importer: Importer, node: Node, keeps: bool) -> None:
    x = importer.planar(node.input(0))
    op_class = top.AvgPoolOp if node.op == "MEAN" else top.MaxPoolOp
    attributes = {"kernel_shape": [], "strides": [], "pads": [], "count_include_pad": node.op == "MEAN"}
    if keeps:
        importer.emit(node, op_class, [x], layout=True, **attributes)
        return
    importer.emit(node, op_class, [x], keepdims=False, **attributes)


@converts("ARG_MAX", "ARG_MIN")
def arg(importer: Importer, node: Node) -> None:
    """The first of several equal ones."""
    shape = importer.shape(node.input(0))
    axis = int(importer.parameter(node, 1, "axis").reshape(-1)[0]) % len(shape)
    tensor = importer.tensor(node.outputs[0])
    names = [tensor.name, importer.new_name(f"{tensor.name}_values")]
    value = importer.emit_named(
        names,
        top.ArgOp,
        [importer.plain(node.input(0))],
        element_of(tensor),
        axis=axis,
        keepdims=False,
        mode="ArgMax" if node.op == "ARG_MAX" else "ArgMin",
        select_last_index=False,
    )
    importer.bind(node.outputs[0], value)
