"""Gemm, MatMul."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import converts


@converts("Gemm")
def gemm(importer: Importer, node: Node) -> None:
    """alpha * a @ b + beta * c; a constant b is stored [k, n] with alpha folded in, under its name and `_fix` when it changed."""
    alpha, beta = float(node.get("alpha", 1.0)), float(node.get("beta", 1.0))
    right = importer.constant(node.input(1))
    a = importer.value(node.input(0))
    if node.get("transA", 0):
        a = importer.emit_named(f"{node.result_names[0]}_left", top.PermuteOp, [a], order=[1, 0])
    if right is None:
        right_value = importer.value(node.input(1))
        if node.get("transB", 0):
            right_value = importer.emit_named(f"{node.result_names[0]}_right", top.PermuteOp, [right_value], order=[1, 0])
    else:
        fixed = (right.T if node.get("transB", 0) else right) * np.float32(alpha)
        name = node.input(1) if fixed.shape == right.shape and np.array_equal(fixed, right) else f"{node.input(1)}_fix"
        right_value = importer.weight(name, fixed)
        alpha = 1.0
    columns = shape_of(right_value)[-1]
    bias = importer.constant(node.input(2))
    if bias is not None and bias.size in (1, columns) and bias.ndim <= 1 and alpha == 1.0:
        _emit(importer, node, node.result_names[0], a, right_value, _bias(importer, node.input(2), bias, beta, columns))
        return
    if not node.input(2) and alpha == 1.0:
        _emit(importer, node, node.result_names[0], a, right_value, importer.none())
        return
    product = _product(importer, node, a, right_value)
    if not node.input(2):
        importer.emit(node, top.MulConstOp, [product], const_val=alpha)
        return
    if alpha != 1.0:
        product = importer.emit_named(f"{node.result_names[0]}_alpha", top.MulConstOp, [product], const_val=alpha)
    _add_matrix(importer, node, product, bias, beta)


def _bias(importer: Importer, name: str, bias: np.ndarray, beta: float, columns: int) -> SSAValue:
    fixed = np.broadcast_to(bias * np.float32(beta), (columns,))
    same = fixed.shape == bias.shape and beta == 1.0
    return importer.weight(name if same else f"{name}_fix", fixed)


def _product(importer: Importer, node: Node, a: SSAValue, b: SSAValue) -> SSAValue:
    return importer.emit_named(f"{node.result_names[0]}_matmul", top.MatMulOp, [a, b, importer.none()])


def _add_matrix(importer: Importer, node: Node, product: SSAValue, bias: np.ndarray | None, beta: float) -> None:
    """c is a matrix, or computed."""
    if bias is not None:
        addend = importer.weight(f"{node.input(2)}_fix", bias * np.float32(beta))
    else:
        addend = importer.value(node.input(2))
        if beta != 1.0:
            addend = importer.emit_named(f"{node.result_names[0]}_beta", top.MulConstOp, [addend], const_val=beta)
    importer.emit(node, top.AddOp, [product, addend])


def _emit(importer: Importer, node: Node, name: str, a: SSAValue, b: SSAValue, bias: SSAValue) -> None:
    importer.bind(node.outputs[0], importer.emit_named(name, top.MatMulOp, [a, b, bias]))


@converts("MatMul")
def matmul(importer: Importer, node: Node) -> None:
    """As numpy's matmul; vectors become matrices for the product."""
    left, right = importer.shape(node.input(0)), importer.shape(node.input(1))
    if len(left) > 1 and len(right) > 1:
        a, b = importer.value(node.input(0)), importer.value(node.input(1))
        _emit(importer, node, node.result_names[0], a, b, importer.none())
        return
    name = node.result_names[0]
    a = _as_matrix(importer, node.input(0), (1, *left) if len(left) == 1 else left, f"{name}_left")
    b = _as_matrix(importer, node.input(1), (*right, 1) if len(right) == 1 else right, f"{name}_right")
    product = _product(importer, node, a, b)
    shape = list(shape_of(product))
    if len(left) == 1:
        del shape[-2]
    if len(right) == 1:
        del shape[-1]
    importer.emit(node, top.ReshapeOp, [product], shape=shape or [1])


def _as_matrix(importer: Importer, name: str, shape: tuple[int, ...], reshaped: str) -> SSAValue:
    array = importer.constant(name)
    if array is not None:
        return importer.weight(name if array.shape == shape else f"{name}_fix", array.reshape(shape))
    value = importer.value(name)
    return value if shape_of(value) == shape else importer.emit_named(reshaped, top.ReshapeOp, [value], shape=list(shape))
