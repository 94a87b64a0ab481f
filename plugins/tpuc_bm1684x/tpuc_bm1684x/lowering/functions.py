"""The functions behind tables: y = f(x) on float64 arrays, with the attributes of the op."""

from __future__ import annotations

from collections.abc import Callable
from math import erf
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tpuc_core.ir import TensorOp

Function = Callable[[np.ndarray], np.ndarray]


def _erf(x: np.ndarray) -> np.ndarray:
    return np.array([erf(value) for value in x.ravel()]).reshape(x.shape)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def _round(x: np.ndarray) -> np.ndarray:
    return np.trunc(x + np.copysign(0.5, x))


PLAIN: dict[str, Function] = {
    "Abs": np.abs,
    "Arctanh": np.arctanh,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Cosh": np.cosh,
    "Erf": _erf,
    "Exp": np.exp,
    "Floor": np.floor,
    "GELU": lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(2))),
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Log": np.log,
    "Mish": lambda x: x * np.tanh(_softplus(x)),
    "Round": _round,
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "SiLU": lambda x: x * _sigmoid(x),
    "Sign": np.sign,
    "Sin": np.sin,
    "Sinh": np.sinh,
    "Softplus": _softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Sqrt": np.sqrt,
    "Tan": np.tan,
    "Tanh": np.tanh,
}


def _clamp(op: TensorOp, y: np.ndarray) -> np.ndarray:
    """The fused relu and its limit."""
    if op.get("do_relu"):
        y = np.maximum(y, 0)
        if op.get("relu_limit") > 0:
            y = np.minimum(y, op.get("relu_limit"))
    return y


def _relu(op: TensorOp) -> Function:
    limit = op.get("relu_limit")
    return lambda x: np.minimum(np.maximum(x, 0), limit if limit > 0 else np.inf)


def _elu(op: TensorOp) -> Function:
    return lambda x: np.where(x > 0, x, op.get("alpha") * np.expm1(x))


WITH_ATTRIBUTES: dict[str, Callable[[TensorOp], Function]] = {
    "AddConst": lambda op: lambda x: _clamp(op, x + op.get("const_val")),
    "Clip": lambda op: lambda x: np.clip(x, op.get("min"), op.get("max")),
    "DivConst": lambda op: lambda x: _clamp(op, op.get("const_val") / x if op.get("is_reverse") else x / op.get("const_val")),
    "Elu": _elu,
    "HardSigmoid": lambda op: lambda x: np.clip(op.get("alpha") * x + op.get("beta"), 0, 1),
    "LeakyRelu": lambda op: lambda x: np.where(x > 0, x, op.get("alpha") * x),
    "MaxConst": lambda op: lambda x: np.maximum(x, op.get("const_val")),
    "MinConst": lambda op: lambda x: np.minimum(x, op.get("const_val")),
    "MulConst": lambda op: lambda x: _clamp(op, x * op.get("const_val")),
    "Pow": lambda op: lambda x: np.power(x, op.get("exponent")),
    "Reciprocal": lambda op: lambda x: _clamp(op, op.get("const_val") / x),
    "Relu": _relu,
    "Sigmoid": lambda op: lambda x: -_softplus(-x) if op.get("log") else _sigmoid(x),
    "Pow2": lambda op: lambda x: np.power(op.get("const_val"), x),
    "Swish": lambda op: lambda x: x * _sigmoid(op.get("beta") * x),
    "SubConst": lambda op: lambda x: _clamp(op, op.get("const_val") - x if op.get("is_reverse") else x - op.get("const_val")),
}

FUNCTIONS = tuple(sorted({*PLAIN, *WITH_ATTRIBUTES}))


def function_of(op: TensorOp) -> Function:
    """The function that a unary `top` op computes."""
    kind = op.name.removeprefix("top.")
    return PLAIN[kind] if kind in PLAIN else WITH_ATTRIBUTES[kind](op)
