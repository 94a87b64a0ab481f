"""Add, Sub, Mul, Div, Sum, Mean, Max, Min with broadcasting, on tensors and constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.ir import top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.ops.activation import LARGEST
from tpuc_onnx.registry import converts


@converts("Add")
def add(importer: Importer, node: Node) -> None:
    scalar = scalar_operand(importer, node)
    if scalar is None:
        importer.emit(node, top.AddOp, _operands(importer, node))
    else:
        _emit_scalar(importer, node, top.AddConstOp, const_val=scalar)


@converts("Mul")
def multiply(importer: Importer, node: Node) -> None:
    scalar = scalar_operand(importer, node)
    if scalar is None:
        importer.emit(node, top.MulOp, _operands(importer, node))
    else:
        _emit_scalar(importer, node, top.MulConstOp, const_val=scalar)


@converts("Sub")
def subtract(importer: Importer, node: Node) -> None:
    scalar = scalar_operand(importer, node)
    if scalar is None:
        importer.emit(node, top.SubOp, _operands(importer, node))
    elif importer.constant(node.input(1)) is not None:
        _emit_scalar(importer, node, top.AddConstOp, const_val=-scalar)
    else:
        _emit_scalar(importer, node, top.SubConstOp, const_val=scalar, is_reverse=True)


@converts("Div")
def divide(importer: Importer, node: Node) -> None:
    if importer.is_integer(node.input(0)):
        quotient = importer.emit_named(f"{node.result_names[0]}_exact", top.DivOp, _operands(importer, node))
        importer.emit(node, top.CastOp, [quotient], to="INT32", round_mode="TowardsZero")
        return
    scalar = scalar_operand(importer, node)
    divisor = importer.constant(node.input(1))
    if scalar is not None and divisor is None:
        _emit_scalar(importer, node, top.ReciprocalOp, const_val=scalar)
    elif scalar is not None and scalar != 0.0:
        _emit_scalar(importer, node, top.MulConstOp, const_val=1.0 / scalar)
    elif divisor is not None and np.all(divisor != 0):
        inverse = importer.weight(f"{node.input(1)}_fix", (1 / divisor.astype(np.float64)).astype(np.float32))
        importer.emit(node, top.MulOp, [importer.value(node.input(0)), inverse])
    else:
        importer.emit(node, top.DivOp, _operands(importer, node))


@converts("Mod")
def modulo(importer: Importer, node: Node) -> None:
    """With the sign of the divisor, or with fmod that of the dividend."""
    importer.emit(node, top.RemainderOp if node.get("fmod", 0) else top.ModOp, _operands(importer, node))


@converts("Sum", "Mean")
def total(importer: Importer, node: Node) -> None:
    """Any number of operands, two at a time where their shapes differ."""
    name = node.result_names[0]
    values = [importer.value(i) for i in node.inputs]
    result = values[0]
    for index, value in enumerate(values[1:], 1):
        is_last = index == len(values) - 1 and node.op == "Sum"
        result = importer.emit_named(name if is_last else f"{name}_{index}", top.AddOp, [result, value])
    if node.op == "Mean":
        result = importer.emit_named(name, top.MulConstOp, [result], const_val=float(np.float32(1 / len(values))))
    importer.bind(node.outputs[0], result)


@converts("Max")
def maximum(importer: Importer, node: Node) -> None:
    _extreme(importer, node, top.MaxOp, {"max": LARGEST}, "min")


@converts("Min")
def minimum(importer: Importer, node: Node) -> None:
    _extreme(importer, node, top.MinOp, {"min": -LARGEST}, "max")


def _extreme(importer: Importer, node: Node, op_class: type, open_end: dict[str, float], bound: str) -> None:
    scalar = scalar_operand(importer, node) if len(node.inputs) == 2 else None
    if scalar is not None:
        _emit_scalar(importer, node, top.ClipOp, **open_end, **{bound: scalar})
        return
    name = node.result_names[0]
    values = [importer.value(i) for i in node.inputs]
    result = values[0]
    for index, value in enumerate(values[1:], 1):
        result = importer.emit_named(name if index == len(values) - 1 else f"{name}_{index}", op_class, [result, value])
    importer.bind(node.outputs[0], result)


def _operands(importer: Importer, node: Node) -> list[SSAValue]:
    return [importer.value(node.input(0)), importer.value(node.input(1))]


def scalar_operand(importer: Importer, node: Node) -> float | None:
    """The constant operand where it is a single value that leaves the other's shape as it is."""
    for name, other in ((node.input(0), node.input(1)), (node.input(1), node.input(0))):
        array = importer.constant(name)
        if array is not None and array.size == 1 and array.ndim <= len(importer.shape(other)):
            return float(np.float32(array.reshape(-1)[0]))
    return None


def _emit_scalar(importer: Importer, node: Node, op_class: type, **attributes: Any) -> None:
    tensor = node.input(1) if importer.constant(node.input(0)) is not None else node.input(0)
    importer.emit(node, op_class, [importer.value(tensor)], **attributes)
