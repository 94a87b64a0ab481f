"""The op out of ONNX files."""

from __future__ import annotations

from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import converts

from tpuc_shrink.ops import ShrinkOp


@converts("Shrink")
def shrink(importer: Importer, node: Node) -> None:
    lambd, bias = (float(node.get(name, default)) for name, default in (("lambd", 0.5), ("bias", 0.0)))
    importer.emit(node, ShrinkOp, [importer.value(node.input(0))], lambd=lambd, bias=bias)
