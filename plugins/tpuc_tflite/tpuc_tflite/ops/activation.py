"""Functions of one value each."""

from __future__ import annotations

from typing import Any

from tpuc_core.ir import top
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.registry import Unsupported, converts

_FUNCTIONS: dict[str, type] = {
    "ABS": top.AbsOp,
    "CEIL": top.CeilOp,
    "COS": top.CosOp,
    "EXP": top.ExpOp,
    "FLOOR": top.FloorOp,
    "HARD_SWISH": top.HardSwishOp,
    "LOG": top.LogOp,
    "LOGISTIC": top.SigmoidOp,
    "RELU": top.ReluOp,
    "RSQRT": top.RsqrtOp,
    "SIGN": top.SignOp,
    "SIN": top.SinOp,
    "SQRT": top.SqrtOp,
    "TANH": top.TanhOp,
}


@converts(*_FUNCTIONS)
def function(importer: Importer, node: Node) -> None:
    emit_unary(importer, node, _FUNCTIONS[node.op])


@converts("RELU6")
def relu6(importer: Importer, node: Node) -> None:
    emit_unary(importer, node, top.ReluOp, relu_limit=6.0)


@converts("RELU_N1_TO_1", "RELU_0_TO_1")
def clip(importer: Importer, node: Node) -> None:
    emit_unary(importer, node, top.ClipOp, min=-1.0 if node.op == "RELU_N1_TO_1" else 0.0, max=1.0)


@converts("LEAKY_RELU")
def leaky_relu(importer: Importer, node: Node) -> None:
    emit_unary(importer, node, top.LeakyReluOp, alpha=float(node.option("Alpha", 0.0)))


@converts("ELU")
def elu(importer: Importer, node: Node) -> None:
    emit_unary(importer, node, top.EluOp, alpha=1.0)


@converts("GELU")
def gelu(importer: Importer, node: Node) -> None:
    emit_unary(importer, node, top.GELUOp, approx_mode="tanh" if node.option("Approximate", False) else "normal")


@converts("NEG")
def negate(importer: Importer, node: Node) -> None:
    emit_unary(importer, node, top.MulConstOp, const_val=-1.0)


@converts("SQUARE")
def square(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    importer.emit(node, top.MulOp, [x, x], layout=importer.home(node.input(0)))


@converts("PRELU")
def prelu(importer: Importer, node: Node) -> None:
    """One slope a channel, [1, 1, c] in the file."""
    slopes, shape = importer.parameter(node, 1, "slope"), importer.shape(node.input(0))
    if len(shape) != 4 or slopes.size not in (1, shape[3]):
        raise Unsupported(f"slopes {list(slopes.shape)} for an input of {list(shape)}")
    slope_shape = (1, slopes.size, 1, 1)
    slope = importer.weight(node.input(1), slopes, axis=1, shape=slope_shape)
    importer.emit(node, top.PReluOp, [importer.planar(node.input(0)), slope], layout=True)


@converts("SOFTMAX", "LOG_SOFTMAX")
def softmax(importer: Importer, node: Node) -> None:
    """Along the last axis."""
    index = node.input(0)
    beta = float(node.option("Beta", 1.0)) if node.op == "SOFTMAX" else 1.0
    if beta != 1.0:
        raise Unsupported(f"a beta of {beta:g}")
    importer.emit(
        node,
        top.SoftmaxOp,
        [importer.value(index)],
        layout=importer.home(index),
        axis=importer.axis(index, -1),
        log=node.op == "LOG_SOFTMAX",
    )


def emit_unary(importer: Importer, node: Node, op_class: type, **attributes: Any) -> None:
    """An op on the node's input whose result has its layout."""
    index = node.input(0)
    importer.emit(node, op_class, [importer.value(index)], layout=importer.home(index), **attributes)
