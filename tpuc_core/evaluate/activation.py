"""Functions of one element."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


def fused_relu(op: BoundOp, y: Array) -> Array:
    """y with the op's fused max(y, 0) and min(y, relu_limit), in place."""
    if not op.get("do_relu"):
        return y
    y = np.asarray(y)
    np.maximum(y, 0, out=y)
    limit = op.get("relu_limit", -1.0)
    return np.minimum(y, np.float32(limit), out=y) if limit > 0 else y


@evaluates("Relu")
def relu(op: BoundOp, x: Array) -> Array:
    y = np.maximum(x, 0)
    limit = op.get("relu_limit", -1.0)
    return np.minimum(y, np.float32(limit), out=y) if limit > 0 else y


@evaluates("Clip")
def clip(op: BoundOp, x: Array) -> Array:
    return np.clip(x, np.float32(op.get("min")), np.float32(op.get("max")))


@evaluates("LeakyRelu")
def leaky_relu(op: BoundOp, x: Array) -> Array:
    return np.where(x < 0, x * np.float32(op.get("alpha")), x)


@evaluates("PRelu")
def prelu(op: BoundOp, x: Array, slope: Array) -> Array:
    if slope.ndim == 1 and slope.size > 1:
        slope = slope.reshape(-1, *(1,) * (x.ndim - 2))
    return np.where(x < 0, x * slope, x)


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    with np.errstate(over="ignore"):
        y = np.asarray(np.exp(-x))
    y += 1
    return np.divide(np.float32(1), y, out=y)


@evaluates("Sigmoid")
def sigmoid(op: BoundOp, x: Array) -> Array:
    """`scale` and `bias` have no effect on the float value, as in the established interpreter."""
    return -np.logaddexp(np.float32(0), -x) if op.get("log") else logistic(x)


@evaluates("SiLU")
def silu(op: BoundOp, x: Array) -> Array:
    y = logistic(x)
    y *= x
    return y


@evaluates("Swish")
def swish(op: BoundOp, x: Array) -> Array:
    return x * logistic(x * np.float32(op.get("beta", 1.0)))


@evaluates("HardSigmoid")
def hard_sigmoid(op: BoundOp, x: Array) -> Array:
    return np.clip(x * np.float32(op.get("alpha")) + np.float32(op.get("beta")), 0, 1)


@evaluates("HardSwish")
def hard_swish(op: BoundOp, x: Array) -> Array:
    return x * np.clip(x * np.float32(1 / 6) + np.float32(0.5), 0, 1)


@evaluates("Elu")
def elu(op: BoundOp, x: Array) -> Array:
    return np.where(x > 0, x, np.float32(op.get("alpha")) * np.expm1(np.minimum(x, 0)))


def _erf(x: Array) -> Array:
    """The error function by its series near 0 and its continued fraction beyond: within 1e-9 of math.erf."""
    wide = np.asarray(x, np.float64)
    size = np.minimum(np.abs(wide), 6.0)
    near = np.where(size < 2.5, size, 0.0)
    term, total = near.copy(), near.copy()
    for n in range(1, 40):
        term *= -near * near / n
        total += term / (2 * n + 1)
    far = np.where(size < 2.5, 2.5, size)
    fraction = far.copy()
    for n in range(40, 0, -1):
        fraction = far + n / 2 / fraction
    tail = 1 - np.exp(-far * far) / (math.sqrt(math.pi) * fraction)
    return np.copysign(np.where(size < 2.5, total * 2 / math.sqrt(math.pi), tail), wide).astype(np.float32)


@evaluates("Erf")
def erf(op: BoundOp, x: Array) -> Array:
    return _erf(x)


@evaluates("GELU")
def gelu(op: BoundOp, x: Array) -> Array:
    """By erf, or as `approx_mode` says by tanh or by the logistic function."""
    mode = op.get("approx_mode", "normal")
    if mode == "sigm":
        return x * logistic(x * np.float32(1.702))
    if mode == "tanh":
        return x * (np.float32(0.5) * (1 + np.tanh(np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x**3))))
    return x * (np.float32(0.5) * (1 + _erf(x * np.float32(math.sqrt(0.5)))))


@evaluates("Softplus")
def softplus(op: BoundOp, x: Array) -> Array:
    return np.logaddexp(np.float32(0), x)


@evaluates("Mish")
def mish(op: BoundOp, x: Array) -> Array:
    return x * np.tanh(np.logaddexp(np.float32(0), x))


@evaluates("Softsign")
def softsign(op: BoundOp, x: Array) -> Array:
    return x / (1 + np.abs(x))


@evaluates("Round")
def round_half_away(op: BoundOp, x: Array) -> Array:
    return np.copysign(np.floor(np.abs(x) + np.float32(0.5)), x)


@evaluates("LogB")
def log_of_base(op: BoundOp, x: Array) -> Array:
    return np.log(x) / np.float32(math.log(op.get("base")))


@evaluates("Cast")
def cast(op: BoundOp, x: Array) -> Array:
    """To an integer type: the integer part, as a float32 array; to a float type: the value itself."""
    to = str(op.get("to", "")).lower()
    if to in ("bool", "i1"):
        return (x != 0).astype(np.float32)
    return np.trunc(x) if "int" in to or to[:1] in ("i", "u", "s") else x


def _register(kind: str, function: Callable[[Array], Array]) -> None:
    def evaluate(op: BoundOp, x: Array) -> Array:
        with np.errstate(all="ignore"):
            return function(x)

    evaluates(kind)(evaluate)


for _kind, _function in {
    "Abs": np.abs, "Arccos": np.arccos, "Arctanh": np.arctanh, "Ceil": np.ceil, "Cos": np.cos, "Cosh": np.cosh,
    "Exp": np.exp, "Floor": np.floor, "Log": np.log, "Rsqrt": lambda x: 1 / np.sqrt(x), "Sign": np.sign,
    "Sin": np.sin, "Sinh": np.sinh, "Sqrt": np.sqrt, "Tan": np.tan, "Tanh": np.tanh,
}.items():
    _register(_kind, _function)
