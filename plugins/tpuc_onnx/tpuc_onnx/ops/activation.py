"""Functions of one tensor, element by element; Softmax."""

from __future__ import annotations

import numpy as np

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import Unsupported, converts

LARGEST = float(np.finfo(np.float32).max)

# operators without parameters, with the `top` op of the same formula
PLAIN = {
    "Abs": top.AbsOp, "Acos": top.ArccosOp, "Atanh": top.ArctanhOp, "Ceil": top.CeilOp, "Cos": top.CosOp, "Cosh": top.CoshOp, "Erf": top.ErfOp, "Exp": top.ExpOp, "Floor": top.FloorOp,
    "HardSwish": top.HardSwishOp, "Log": top.LogOp, "Mish": top.MishOp, "Sigmoid": top.SigmoidOp, "Sign": top.SignOp, "Sin": top.SinOp,
    "Sinh": top.SinhOp, "Softplus": top.SoftplusOp, "Softsign": top.SoftsignOp, "Sqrt": top.SqrtOp, "Tan": top.TanOp, "Tanh": top.TanhOp,
    "Relu": top.ReluOp, "SiLU": top.SiLUOp,
}


@converts(*PLAIN)
def plain(importer: Importer, node: Node) -> None:
    importer.emit(node, PLAIN[node.op], [importer.value(node.input(0))])


@converts("Clip")
def clip(importer: Importer, node: Node) -> None:
    if any(name and importer.constant(name) is None for name in node.inputs[1:]):
        _clip_computed(importer, node)
        return
    low, high = _bound(importer, node, "min", 1, -LARGEST), _bound(importer, node, "max", 2, LARGEST)
    x = importer.value(node.input(0))
    if low == 0.0 and high >= LARGEST:
        importer.emit(node, top.ReluOp, [x])
    elif low == 0.0 and high > 0.0:
        importer.emit(node, top.ReluOp, [x], relu_limit=high)
    else:
        importer.emit(node, top.ClipOp, [x], min=low, max=high)


def _clip_computed(importer: Importer, node: Node) -> None:
    """Bounds that are tensors: the greater of x and min, then the lesser of that and max."""
    name = node.result_names[0]
    value = importer.value(node.input(0))
    bounds = [(i, op) for i, op in ((1, top.MaxOp), (2, top.MinOp)) if node.input(i)]
    for index, op_class in bounds:
        is_last = index == bounds[-1][0]
        value = importer.emit_named(name if is_last else f"{name}_low", op_class, [value, importer.value(node.input(index))])
    importer.bind(node.outputs[0], value)


def _bound(importer: Importer, node: Node, name: str, index: int, default: float) -> float:
    if name in node.attributes:
        return float(node.attributes[name])
    array = importer.optional_parameter(node, index, name)
    return default if array is None else float(np.clip(array.reshape(-1)[0], -LARGEST, LARGEST))


@converts("LeakyRelu")
def leaky_relu(importer: Importer, node: Node) -> None:
    importer.emit(node, top.LeakyReluOp, [importer.value(node.input(0))], alpha=float(node.get("alpha", 0.01)))


@converts("PRelu")
def prelu(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    slope = importer.parameter(node, 1, "slope")
    if slope.size == 1:
        importer.emit(node, top.LeakyReluOp, [x], alpha=float(slope.reshape(-1)[0]))
        return
    rank = len(shape_of(x))
    full = slope.reshape((1,) * (rank - slope.ndim) + slope.shape)
    if rank < 2 or any(d != 1 for i, d in enumerate(full.shape) if i != 1):
        raise Unsupported(f"a slope of shape {list(slope.shape)}, which is not one value a channel")
    importer.emit(node, top.PReluOp, [x, importer.weight(node.input(1), full)])


@converts("HardSigmoid")
def hard_sigmoid(importer: Importer, node: Node) -> None:
    importer.emit(node, top.HardSigmoidOp, [importer.value(node.input(0))],
                  alpha=float(node.get("alpha", 0.2)), beta=float(node.get("beta", 0.5)))


@converts("Elu")
def elu(importer: Importer, node: Node) -> None:
    importer.emit(node, top.EluOp, [importer.value(node.input(0))], alpha=float(node.get("alpha", 1.0)))


@converts("Selu")
def selu(importer: Importer, node: Node) -> None:
    """gamma * (x > 0 ? x : alpha * (exp(x) - 1))"""
    name = f"{node.result_names[0]}_elu"
    inner = importer.emit_named(name, top.EluOp, [importer.value(node.input(0))], alpha=float(node.get("alpha", 1.67326319217681884765625)))
    importer.emit(node, top.MulConstOp, [inner], const_val=float(node.get("gamma", 1.05070102214813232421875)))


@converts("GELU", "Gelu")
def gelu(importer: Importer, node: Node) -> None:
    mode = "tanh" if node.get("approximate", "none") == "tanh" else "normal"
    importer.emit(node, top.GELUOp, [importer.value(node.input(0))], approx_mode=mode)


@converts("Reciprocal")
def reciprocal(importer: Importer, node: Node) -> None:
    importer.emit(node, top.ReciprocalOp, [importer.value(node.input(0))], const_val=1.0)


@converts("Neg")
def negate(importer: Importer, node: Node) -> None:
    importer.emit(node, top.MulConstOp, [importer.value(node.input(0))], const_val=-1.0)


@converts("Pow")
def power(importer: Importer, node: Node) -> None:
    """By a number, of a number, or of two tensors."""
    base, exponent = importer.constant(node.input(0)), importer.constant(node.input(1))
    if base is not None and base.size == 1 and base.ndim <= len(importer.shape(node.input(1))):
        importer.emit(node, top.Pow2Op, [importer.value(node.input(1))], const_val=float(base.reshape(-1)[0]))
        return
    if exponent is None or exponent.size != 1 or exponent.ndim > len(importer.shape(node.input(0))):
        importer.emit(node, top.Pow3Op, [importer.value(node.input(0)), importer.value(node.input(1))])
        return
    importer.emit(node, top.PowOp, [importer.value(node.input(0))], exponent=float(exponent.reshape(-1)[0]))


@converts("Softmax", "LogSoftmax")
def softmax(importer: Importer, node: Node) -> None:
    """Before opset 13 the dimensions from `axis` on are one."""
    x = importer.value(node.input(0))
    shape = shape_of(x)
    is_flat = importer.graph.opset < 13
    axis = int(node.get("axis", 1 if is_flat else -1)) % max(len(shape), 1)
    log = node.op == "LogSoftmax"
    if not is_flat or all(d == 1 for d in shape[axis + 1 :]):
        importer.emit(node, top.SoftmaxOp, [x], axis=axis, log=log)
        return
    name = node.result_names[0]
    flat = importer.emit_named(f"{name}_flat", top.ReshapeOp, [x], shape=[int(np.prod(shape[:axis])), int(np.prod(shape[axis:]))])
    inner = importer.emit_named(f"{name}_softmax", top.SoftmaxOp, [flat], axis=1, log=log)
    importer.emit(node, top.ReshapeOp, [inner], shape=list(shape))
