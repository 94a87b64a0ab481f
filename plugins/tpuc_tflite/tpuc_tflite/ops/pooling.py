"""AVERAGE_POOL_2D, MAX_POOL_2D."""

from __future__ import annotations

from tpuc_core.ir import shape_of, top
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.ops.windows import pads_of
from tpuc_tflite.registry import converts


@converts("AVERAGE_POOL_2D", "MAX_POOL_2D")
def pool(importer: Importer, node: Node) -> None:
    """Padding does not count."""
    x = importer.planar(node.input(0))
    kernel = [node.option("FilterHeight", 1), node.option("FilterWidth", 1)]
    strides = [node.option("StrideH", 1), node.option("StrideW", 1)]
    pads = pads_of(node, shape_of(x)[2:], kernel, strides)
    op_class = top.AvgPoolOp if node.op == "AVERAGE_POOL_2D" else top.MaxPoolOp
    attributes = {"count_include_pad": True} if node.op == "AVERAGE_POOL_2D" and not any(pads) else {}
    importer.emit_activated(
        node, op_class, [x], layout=True, kernel_shape=kernel, strides=strides, pads=pads, **attributes
    )
