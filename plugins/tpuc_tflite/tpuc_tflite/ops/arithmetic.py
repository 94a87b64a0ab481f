"""Arithmetic on tensors that broadcast, comparisons and choices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.ir import top
from tpuc_tflite.elements import element_of
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.layout import TO_PLANAR
from tpuc_tflite.registry import Unsupported, converts

_BINARY: dict[str, type] = {"ADD": top.AddOp, "SUB": top.SubOp, "MUL": top.MulOp, "DIV": top.DivOp}
_EXTREMES: dict[str, type] = {"MAXIMUM": top.MaxOp, "MINIMUM": top.MinOp}
_COMPARISONS = {
    "EQUAL": "Equal",
    "NOT_EQUAL": "NotEqual",
    "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterOrEqual",
    "LESS": "Less",
    "LESS_EQUAL": "LessOrEqual",
}


@converts(*_BINARY)
def binary(importer: Importer, node: Node) -> None:
    operands, is_planar = aligned(importer, node.inputs)
    importer.emit_activated(node, _BINARY[node.op], operands, layout=is_planar)


@converts("ADD_N")
def add_n(importer: Importer, node: Node) -> None:
    operands, is_planar = aligned(importer, node.inputs)
    importer.emit(node, top.AddOp, operands, layout=is_planar)


@converts(*_EXTREMES)
def extreme(importer: Importer, node: Node) -> None:
    """With a constant of one element an op of its own: the chip has an instruction for that."""
    constants = [a for i in node.inputs if (a := importer.constant(i)) is not None and a.size == 1]
    operands, is_planar = aligned(importer, node.inputs)
    if constants and not any(importer.tensor(i).is_quantized for i in node.inputs):
        index = next(i for i in node.inputs if importer.constant(i) is None)
        op_class = top.MaxConstOp if node.op == "MAXIMUM" else top.MinConstOp
        importer.emit(
            node,
            op_class,
            [importer.value(index)],
            layout=importer.home(index),
            const_val=float(constants[0].reshape(-1)[0]),
        )
        return
    importer.emit(node, _EXTREMES[node.op], operands, layout=is_planar)


@converts("SQUARED_DIFFERENCE")
def squared_difference(importer: Importer, node: Node) -> None:
    tensor = importer.tensor(node.outputs[0])
    if tensor.is_quantized:
        raise Unsupported("quantized numbers")
    operands, is_planar = aligned(importer, node.inputs)
    difference = importer.emit_named(importer.new_name(f"{tensor.name}_difference"), top.SubOp, operands)
    importer.emit(node, top.MulOp, [difference, difference], layout=is_planar)


@converts("POW")
def power(importer: Importer, node: Node) -> None:
    exponent = importer.parameter(node, 1, "exponent")
    if exponent.size != 1:
        raise Unsupported("several exponents")
    index = node.input(0)
    importer.emit(
        node, top.PowOp, [importer.value(index)], layout=importer.home(index), exponent=float(exponent.reshape(-1)[0])
    )


@converts(*_COMPARISONS)
def compare(importer: Importer, node: Node) -> None:
    """1 where it holds, else 0. One constant is an attribute."""
    mode, constant = _COMPARISONS[node.op], importer.constant(node.input(1))
    if constant is not None and constant.size == 1:
        index = node.input(0)
        importer.emit(
            node,
            top.CompareConstOp,
            [importer.value(index)],
            layout=importer.home(index),
            mode=mode,
            inversed=False,
            const_val=float(constant.reshape(-1)[0]),
        )
        return
    operands, is_planar = aligned(importer, node.inputs)
    importer.emit(node, top.CompareOp, operands, layout=is_planar, mode=mode)


@converts("SELECT", "SELECT_V2")
def select(importer: Importer, node: Node) -> None:
    """A branch that is one constant is an attribute."""
    branches = [importer.constant(i) for i in node.inputs[1:3]]
    is_const = [a is not None and a.size == 1 for a in branches]
    indices = [node.input(0), *(i for i, const in zip(node.inputs[1:3], is_const) if not const)]
    if node.op == "SELECT" and len({len(importer.shape(i)) for i in indices}) > 1:
        raise Unsupported("a condition of another rank")
    operands, is_planar = aligned(importer, indices)
    rest = iter(operands[1:])
    slots = [importer.none() if const else next(rest) for const in is_const]
    values = [float(a.reshape(-1)[0]) if a is not None and const else 0.0 for a, const in zip(branches, is_const)]
    importer.emit(
        node,
        top.WhereOp,
        [operands[0], *slots],
        layout=is_planar,
        x_is_const=is_const[0],
        x_const_val=values[0],
        y_is_const=is_const[1],
        y_const_val=values[1],
    )


def aligned(importer: Importer, indices: Sequence[int]) -> tuple[list[SSAValue], bool]:
    """The values of tensors that broadcast, all as [n, c, h, w] where one of them is, else all as in the file; and which."""
    rank = max(len(importer.shape(i)) for i in indices)
    if rank != 4 or not any(importer.is_planar(i) for i in indices):
        return [_plain(importer, i) for i in indices], False
    return [_planar(importer, i) for i in indices], True


def _plain(importer: Importer, index: int) -> SSAValue:
    array = importer.constant(index)
    return (
        importer.plain(index)
        if array is None
        else importer.weight(index, array, shape=(1,) if array.size == 1 else None)
    )


def _planar(importer: Importer, index: int) -> SSAValue:
    shape = importer.shape(index)
    array = importer.constant(index)
    if array is not None:
        if array.size == 1:
            return importer.weight(index, array, shape=(1,))
        aligned_array = array.reshape((1,) * (4 - array.ndim) + array.shape)
        return importer.weight(index, np.ascontiguousarray(aligned_array.transpose(TO_PLANAR)), axis=1)
    if len(shape) == 4:
        return importer.planar(index)
    tensor = importer.tensor(index)
    element = element_of(tensor)
    wide = [1] * (4 - len(shape)) + list(shape)
    value = importer.emit_named(
        importer.new_name(f"{tensor.name}_wide"), top.ReshapeOp, [importer.plain(index)], element, shape=wide
    )
    return importer.emit_named(
        importer.new_name(f"{tensor.name}_wide_nchw"), top.PermuteOp, [value], element, order=list(TO_PLANAR)
    )
