"""QUANTIZE, DEQUANTIZE, CAST."""

from __future__ import annotations

from tpuc_core.ir import top
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.registry import Unsupported, converts


@converts("QUANTIZE", "DEQUANTIZE")
def requantize(importer: Importer, node: Node) -> None:
    """From one scale and zero point to another, or to real numbers."""
    index = node.input(0)
    importer.emit(node, top.CastOp, [importer.value(index)], layout=importer.home(index))


@converts("CAST")
def cast(importer: Importer, node: Node) -> None:
    """Between floats, and from integers that hold what a float can."""
    if importer.tensor(node.outputs[0]).dtype not in ("float32", "float16"):
        raise Unsupported("a cast to integers")
    importer.bind(node.outputs[0], importer.value(node.input(0)), importer.home(node.input(0)))
