"""Comparisons, logic, and choices by them; a truth value is 1 or 0."""

from __future__ import annotations

from xdsl.ir import SSAValue

from tpuc_core.ir import top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.ops.activation import LARGEST
from tpuc_onnx.ops.arithmetic import scalar_operand
from tpuc_onnx.registry import Unsupported, converts


@converts("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Xor")
def compare(importer: Importer, node: Node) -> None:
    scalar = scalar_operand(importer, node)
    if scalar is None:
        importer.emit(node, top.CompareOp, [importer.value(name) for name in node.inputs[:2]], mode=node.op)
        return
    is_first = importer.constant(node.input(0)) is not None
    x = importer.value(node.input(1 if is_first else 0))
    importer.emit(node, top.CompareConstOp, [x], mode=node.op, const_val=scalar, inversed=is_first)


@converts("Or")
def either(importer: Importer, node: Node) -> None:
    """The greater of two truth values."""
    importer.emit(node, top.MaxOp, [importer.value(name) for name in node.inputs[:2]])


@converts("Not")
def negation(importer: Importer, node: Node) -> None:
    importer.emit(node, top.CompareConstOp, [importer.value(node.input(0))], mode="Not", const_val=0.0, inversed=False)


@converts("IsNaN")
def is_nan(importer: Importer, node: Node) -> None:
    """What is not itself."""
    x = importer.value(node.input(0))
    importer.emit(node, top.CompareOp, [x, x], mode="NotEqual")


@converts("IsInf")
def is_infinite(importer: Importer, node: Node) -> None:
    """What lies beyond the largest number, on the sides that are asked for."""
    x = importer.value(node.input(0))
    positive, negative = bool(node.get("detect_positive", 1)), bool(node.get("detect_negative", 1))
    if not positive and not negative:
        raise Unsupported("neither sign")
    if positive and negative:
        x = importer.emit_named(f"{node.result_names[0]}_size", top.AbsOp, [x])
    mode, bound = ("Greater", LARGEST) if positive else ("Less", -LARGEST)
    importer.emit(node, top.CompareConstOp, [x], mode=mode, const_val=bound, inversed=False)


@converts("Where")
def where(importer: Importer, node: Node) -> None:
    """Branches of one constant value are attributes."""
    condition = importer.value(node.input(0))
    shape = importer.shape(node.input(0))
    attributes: dict[str, float | bool] = {}
    branches: list[SSAValue] = []
    for name, letter in ((node.input(1), "x"), (node.input(2), "y")):
        array = importer.constant(name)
        is_constant = array is not None and array.size == 1 and array.ndim <= len(shape)
        branches.append(importer.none() if is_constant else importer.value(name))
        attributes[f"{letter}_is_const"] = is_constant
        attributes[f"{letter}_const_val"] = float(array.reshape(-1)[0]) if array is not None and is_constant else 0.0
    importer.emit(node, top.WhereOp, [condition, *branches], **attributes)


@converts("If")
def branch(importer: Importer, node: Node) -> None:
    """Those that constants and shapes decide are gone before import."""
    inputs = importer.graph.inputs_behind(node.input(0))
    raise Unsupported(f"a condition that depends on values of {', '.join(inputs)}; one that never changes can be given with"
                      f" --constant_inputs {inputs[0] if inputs else 'NAME'}=VALUE")
