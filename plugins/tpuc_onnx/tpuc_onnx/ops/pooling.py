"""MaxPool, AveragePool and their global forms."""

from __future__ import annotations

from typing import Any

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.ops.windows import Window
from tpuc_onnx.registry import Unsupported, converts


@converts("MaxPool")
def max_pool(importer: Importer, node: Node) -> None:
    if any(importer.is_used(name) for name in node.outputs[1:]):
        raise Unsupported("the output of indices")
    _pool(importer, node, top.MaxPoolOp, {})


@converts("AveragePool")
def average_pool(importer: Importer, node: Node) -> None:
    _pool(importer, node, top.AvgPoolOp, {"count_include_pad": bool(node.get("count_include_pad", 0))})


@converts("GlobalAveragePool")
def global_average_pool(importer: Importer, node: Node) -> None:
    _global_pool(importer, node, top.AvgPoolOp)


@converts("GlobalMaxPool")
def global_max_pool(importer: Importer, node: Node) -> None:
    _global_pool(importer, node, top.MaxPoolOp)


def _pool(importer: Importer, node: Node, op_class: type, attributes: dict[str, Any]) -> None:
    spatial = importer.shape(node.input(0))[2:]
    if len(spatial) not in (1, 2, 3):
        raise Unsupported(f"{len(spatial)} spatial dimensions")
    window = Window.of(node, spatial)
    if any(d != 1 for d in window.dilations):
        raise Unsupported("dilations")
    if node.get("ceil_mode", 0):
        extra = window.pad_for_ceil(spatial)
        if any(extra) and attributes.get("count_include_pad") and any(window.pads):
            raise Unsupported("ceil_mode together with count_include_pad")
        if any(extra):
            attributes["count_include_pad"] = False
        rank = len(spatial)
        window.pads = window.pads[:rank] + [p + e for p, e in zip(window.pads[rank:], extra)]
    window = window.two_dimensional()
    _emit_planar(importer, node, op_class, attributes | {
        "kernel_shape": window.kernel, "strides": window.strides, "pads": window.pads})


def _global_pool(importer: Importer, node: Node, op_class: type) -> None:
    spatial = list(importer.shape(node.input(0))[2:])
    if len(spatial) not in (1, 2):
        raise Unsupported(f"{len(spatial)} spatial dimensions")
    kernel = spatial if len(spatial) == 2 else [*spatial, 1]
    _emit_planar(importer, node, op_class, {"kernel_shape": kernel, "strides": [1, 1], "pads": [0, 0, 0, 0],
                                            "count_include_pad": True})


def _emit_planar(importer: Importer, node: Node, op_class: type, attributes: dict[str, Any]) -> None:
    """Emit a pool on a tensor of 4 or 5 dimensions; one of 3 goes through [n, c, l, 1]."""
    x = importer.value(node.input(0))
    if len(shape_of(x)) != 3:
        importer.emit(node, op_class, [x], **attributes)
        return
    name = node.result_names[0]
    planar = importer.emit_named(f"{name}_planar_in", top.ReshapeOp, [x], shape=[*shape_of(x), 1])
    result = importer.emit_named(f"{name}_planar", op_class, [planar], **attributes)
    importer.emit(node, top.ReshapeOp, [result], shape=list(shape_of(result)[:3]))
