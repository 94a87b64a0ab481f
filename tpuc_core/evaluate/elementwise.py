"""Functions of corresponding elements of two or more tensors, with numpy's broadcasting."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from tpuc_core.evaluate.activation import fused_relu
from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


def _scaled(op: BoundOp, operands: tuple[Array, ...]) -> list[Array]:
    """The operands times the coefficients of the op, where it has some."""
    factors = op.get("coeff") or [1.0] * len(operands)
    return [x if factor == 1 else x * np.float32(factor) for x, factor in zip(operands, factors)]


def _folded(function: Callable[[Array, Array], Array], operands: Sequence[Array]) -> Array:
    """From the left; a new array also for one operand: the Relu behind it works in place."""
    return np.array(operands[0]) if len(operands) == 1 else np.asarray(reduce(function, operands))


@evaluates("Add")
def add(op: BoundOp, *operands: Array) -> Array:
    return fused_relu(op, _folded(operator.add, _scaled(op, operands)))


@evaluates("Sub")
def subtract(op: BoundOp, *operands: Array) -> Array:
    left, right = _scaled(op, operands)
    return fused_relu(op, right - left if op.get("is_reverse") else left - right)


@evaluates("Mul")
def multiply(op: BoundOp, *operands: Array) -> Array:
    return fused_relu(op, _folded(operator.mul, operands))


@evaluates("Div")
def divide(op: BoundOp, left: Array, right: Array) -> Array:
    if op.get("is_reverse"):
        left, right = right, left
    with np.errstate(all="ignore"):
        return fused_relu(op, left / right)


@evaluates("Max")
def maximum(op: BoundOp, *operands: Array) -> Array:
    return reduce(np.maximum, operands)


@evaluates("Min")
def minimum(op: BoundOp, *operands: Array) -> Array:
    return reduce(np.minimum, operands)


@evaluates("Mod")
def modulo(op: BoundOp, left: Array, right: Array) -> Array:
    """With the sign of the divisor, as ONNX Mod of integers and Python's %."""
    with np.errstate(all="ignore"):
        return np.mod(left, right)


@evaluates("Remainder")
def remainder(op: BoundOp, left: Array, right: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.fmod(left, right)


def _constant(op: BoundOp) -> np.float32:
    return np.float32(op.get("const_val"))


@evaluates("AddConst")
def add_constant(op: BoundOp, x: Array) -> Array:
    return fused_relu(op, x + _constant(op))


@evaluates("SubConst")
def subtract_constant(op: BoundOp, x: Array) -> Array:
    return fused_relu(op, _constant(op) - x if op.get("is_reverse") else x - _constant(op))


@evaluates("MulConst")
def multiply_by_constant(op: BoundOp, x: Array) -> Array:
    return fused_relu(op, x * _constant(op))


@evaluates("DivConst")
def divide_by_constant(op: BoundOp, x: Array) -> Array:
    with np.errstate(all="ignore"):
        return fused_relu(op, _constant(op) / x if op.get("is_reverse") else x / _constant(op))


@evaluates("Reciprocal")
def reciprocal(op: BoundOp, x: Array) -> Array:
    with np.errstate(all="ignore"):
        return fused_relu(op, np.float32(op.get("const_val", 1.0)) / x)


@evaluates("MaxConst")
def maximum_with_constant(op: BoundOp, x: Array) -> Array:
    return np.maximum(x, _constant(op))


@evaluates("MinConst")
def minimum_with_constant(op: BoundOp, x: Array) -> Array:
    return np.minimum(x, _constant(op))


@evaluates("Pow")
def power(op: BoundOp, x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.power(x, np.float32(op.get("exponent")))


@evaluates("Pow2")
def power_of_constant(op: BoundOp, x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.power(_constant(op), x)


@evaluates("Pow3")
def power_of_tensors(op: BoundOp, x: Array, exponent: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.power(x, exponent)


@evaluates("Scale")
def scale(op: BoundOp, x: Array, factor: Array, bias: Array | None) -> Array:
    """y = x * factor + bias, one factor and bias a channel (dim 1)."""
    shape = (1, -1, *(1,) * (x.ndim - 2))
    y = x * factor.reshape(shape)
    if bias is not None:
        y += bias.reshape(shape)
    return fused_relu(op, y)


_COMPARISONS: dict[str, Callable[[Array, Array], Array]] = {
    "Equal": np.equal, "Greater": np.greater, "GreaterOrEqual": np.greater_equal, "Less": np.less,
    "LessOrEqual": np.less_equal, "NotEqual": np.not_equal, "And": np.logical_and, "Or": np.logical_or,
    "Xor": np.logical_xor,
}


@evaluates("Compare")
def compare(op: BoundOp, left: Array, right: Array) -> Array:
    return _COMPARISONS[op.get("mode")](left, right).astype(np.float32)


@evaluates("CompareConst")
def compare_with_constant(op: BoundOp, x: Array) -> Array:
    if op.get("mode") == "Not":
        return np.logical_not(x).astype(np.float32)
    constant = np.asarray(_constant(op))
    left, right = (constant, x) if op.get("inversed") else (x, constant)
    return np.asarray(_COMPARISONS[op.get("mode")](left, right)).astype(np.float32)


@evaluates("LogicalAnd")
def logical_and(op: BoundOp, left: Array, right: Array) -> Array:
    return np.logical_and(left, right).astype(np.float32)


@evaluates("Where")
def where(op: BoundOp, condition: Array, taken: Array | None, other: Array | None) -> Array:
    """`taken` where the condition is not 0, else `other`; either may be a constant of the op."""
    yes = np.float32(op.get("x_const_val")) if op.get("x_is_const") or taken is None else taken
    no = np.float32(op.get("y_const_val")) if op.get("y_is_const") or other is None else other
    return np.where(condition != 0, yes, no).astype(np.float32)
