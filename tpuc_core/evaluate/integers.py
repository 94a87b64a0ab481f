"""Sums and products of quantized tensors with the integers of TFLite.

A model that is quantized already says exactly which integers it wants: TFLite's reference kernels define them, rounding by
rounding. They take `sum * m / 2^31` (m a number of 31 bits) to the nearest integer first, halves up, and divide that by a power
of two, halves away from zero; fully connected layers round once. Source: gemmlowp's fixed-point arithmetic, and LiteRT's reference kernels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import Operation, SSAValue

from tpuc_core.evaluate.grid import real_values, steps_of
from tpuc_core.evaluate.registry import BoundOp, Evaluation, evaluation_of
from tpuc_core.ir import Model, element_type_of, is_none, is_weight, quantization_of, shape_of
from tpuc_core.ir.dialects.quant import UniformType
from tpuc_core.plan import TensorQuantization

EXACT_IN_F32 = 1 << 24
LARGEST_STEP = 255
SUM_SHIFT = 20
"""How far TFLite shifts the terms of a sum to the left before it scales them."""


def integer_evaluation(model: Model, op: Operation) -> Evaluation | None:
    """The evaluation of a quantized op in integers; None where it has none, and its real result is rounded."""
    makers = {
        "top.Conv": _product,
        "top.Deconv": _product,
        "top.MatMul": _product,
        "top.Add": _sum,
        "top.Sub": _sum,
        "top.Mul": _times,
        "top.AvgPool": _average,
    }
    activations = [v for v in op.operands if not is_none(v) and not is_weight(v)]
    maker = makers.get(op.name)
    if maker is None or any(quantization_of(v) is None for v in (*activations, op.results[0])):
        return None
    return maker(model, op)


def rescaled(values: np.ndarray, factors: np.ndarray | float) -> np.ndarray:
    """int64 values times real factors, rounded as TFLite does (MultiplyByQuantizedMultiplier)."""
    return multiplied(values, *multipliers_and_exponents(factors))


def multipliers_and_exponents(factors: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Factors as multiplier / 2^31 * 2^exponent, multipliers of 31 bits."""
    fraction, exponent = np.frexp(np.asarray(factors, np.float64))
    multiplier = np.floor(np.abs(fraction) * 2.0**31 + 0.5).astype(np.int64) * np.sign(fraction).astype(np.int64)
    is_one = multiplier == 1 << 31
    return np.where(is_one, multiplier >> 1, multiplier), exponent.astype(np.int64) + is_one


def rescaled_once(values: np.ndarray, factors: np.ndarray | float) -> np.ndarray:
    """int64 values times real factors, rounded to the nearest, halves up."""
    multiplier, exponent = multipliers_and_exponents(factors)
    shift = 31 - exponent
    return (values * multiplier + (np.int64(1) << (shift - 1))) >> shift


def multiplied(values: np.ndarray, multiplier: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """values * multiplier / 2^31 to an integer, halves up; that times 2^exponent, halves away from zero."""
    left, right = np.maximum(exponent, 0), np.maximum(-exponent, 0)
    high = ((values << left) * multiplier + (1 << 30)) >> 31
    mask = (np.int64(1) << right) - 1
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))


def _product(model: Model, op: Operation) -> Evaluation | None:
    """Convolution and matrix product: exact sums of integers, with the bias, rescaled by channel."""
    given, wanted = quantization_of(op.operands[0]), quantization_of(op.results[0])
    weight, bias = op.operands[1], op.operands[2]
    if given is None or wanted is None or not is_weight(weight) or not isinstance(element_type_of(weight), UniformType):
        return None
    channel_axis, rank = (-1 if op.name == "top.MatMul" else 1), len(shape_of(op.results[0]))
    uniform = element_type_of(weight).data  # type: ignore[union-attr]
    steps = _weight_steps(model, weight)
    inner = steps.size // shape_of(op.results[0])[channel_axis]
    shape = [1] * rank
    shape[channel_axis] = -1
    products = np.array(uniform.scales) * given.scale
    if len(uniform.scales) == 1:  # TFLite multiplies two scales of tensors in f32, those of channels in f64
        products = (np.float32(uniform.scales) * np.float32(given.scale)).astype(np.float64)
    factors = (products / wanted.scale).reshape(shape)
    offset = None if is_none(bias) else model.weight(bias).astype(np.int64).reshape(shape)
    parts, function = _parts(steps, inner), evaluation_of(op.name)
    rescale = rescaled_once if op.name == "top.MatMul" else rescaled
    assert function is not None

    def evaluate(bound: BoundOp, x: np.ndarray, *_: np.ndarray | None) -> np.ndarray:
        plain = BoundOp(bound.name, bound.source, bound.shapes, {"do_relu": False})
        stored = steps_of(x, given)
        total = sum(
            (np.rint(np.asarray(function(plain, stored, part, None))).astype(np.int64) << shift)
            for shift, part in parts
        )
        return _limited(bound, rescale(total if offset is None else total + offset, factors), wanted)

    return evaluate


def _parts(weights: np.ndarray, inner: int) -> list[tuple[int, np.ndarray]]:
    """Integers as sums of parts << shift, so small that f32 sums over `inner` products are exact."""
    bits = max(1, int(np.log2(EXACT_IN_F32 / (LARGEST_STEP * inner) + 1)))
    parts, rest, shift = [], weights.astype(np.int64), 0
    while np.abs(rest).max(initial=0) >= 1 << bits:
        low = rest & ((1 << bits) - 1)
        parts.append((shift, low.astype(np.float32)))
        rest, shift = rest >> bits, shift + bits
    return [*parts, (shift, rest.astype(np.float32))]


def _sum(model: Model, op: Operation) -> Evaluation | None:
    """Terms shifted to the left and scaled to twice the larger scale, added, and scaled to the result's."""
    terms = [_quantized_operand(model, v) for v in op.operands]
    wanted = quantization_of(op.results[0])
    if len(terms) != 2 or wanted is None or any(q is None for q, _ in terms) or op.get("coeff") is not None:  # type: ignore[attr-defined]
        return None
    twice = 2 * max(q.scale for q, _ in terms if q is not None)
    signs = (1, 1) if op.name == "top.Add" else (-1, 1) if op.get("is_reverse") else (1, -1)  # type: ignore[attr-defined]

    def evaluate(bound: BoundOp, *operands: np.ndarray) -> np.ndarray:
        total = np.zeros((), np.int64)
        for array, sign, (quantization, constant) in zip(operands, signs, terms):
            assert quantization is not None
            steps = constant if constant is not None else steps_of(array, quantization)
            total = total + sign * rescaled(steps.astype(np.int64) << SUM_SHIFT, quantization.scale / twice)
        return _limited(bound, rescaled(total, twice / ((1 << SUM_SHIFT) * wanted.scale)), wanted)

    return evaluate


def _times(model: Model, op: Operation) -> Evaluation | None:
    terms = [_quantized_operand(model, v) for v in op.operands]
    wanted = quantization_of(op.results[0])
    if len(terms) != 2 or wanted is None or any(q is None for q, _ in terms):
        return None
    factor = np.prod([q.scale for q, _ in terms if q is not None]) / wanted.scale

    def evaluate(bound: BoundOp, *operands: np.ndarray) -> np.ndarray:
        left, right = (
            constant if constant is not None else steps_of(array, q)
            for array, (q, constant) in zip(operands, terms)
            if q is not None
        )
        return _limited(bound, rescaled(left.astype(np.int64) * right.astype(np.int64), factor), wanted)

    return evaluate


def _average(model: Model, op: Operation) -> Evaluation | None:
    """The mean of stored integers, halves away from their zero, where both ends have one scale: TFLite pools. Else it is the mean of a
    map, a sum rescaled."""
    given, wanted = quantization_of(op.operands[0]), quantization_of(op.results[0])
    if given is None or wanted is None:
        return None
    if given != wanted:
        return _mean(op, given, wanted)
    function = evaluation_of(op.name)
    assert function is not None

    def evaluate(bound: BoundOp, x: np.ndarray) -> np.ndarray:
        plain = BoundOp(bound.name, bound.source, bound.shapes, {"do_relu": False})
        # padding does not count, so the mean of stored integers is that of steps, and the zero point
        mean = np.asarray(function(plain, steps_of(x, given)), np.float64) + given.zero_point
        mean = np.round(mean * 4096) / 4096  # what is a half is one in f32 up to its last bits
        return _limited(bound, np.trunc(mean + np.copysign(0.5, mean)) - given.zero_point, wanted)

    return evaluate


def _mean(op: Operation, given: TensorQuantization, wanted: TensorQuantization) -> Evaluation | None:
    """The sum over a whole map; the division by the count of its cells is in the multiplier, rounded down."""
    count = int(np.prod(shape_of(op.operands[0])[2:]))
    if list(op.get("kernel_shape")) != list(shape_of(op.operands[0])[2:]):  # type: ignore[attr-defined]
        return None
    multiplier, exponent = multipliers_and_exponents(given.scale / wanted.scale)
    shift = min(count.bit_length() - 1, 32, 31 + int(exponent))
    multiplier, exponent = (multiplier << shift) // count, exponent - shift

    def evaluate(bound: BoundOp, x: np.ndarray) -> np.ndarray:
        total = steps_of(x, given).sum(axis=(2, 3), dtype=np.float64).astype(np.int64)
        return _limited(bound, multiplied(total, multiplier, exponent).reshape(bound.shape), wanted)

    return evaluate


def _quantized_operand(model: Model, value: SSAValue) -> tuple[TensorQuantization | None, np.ndarray | None]:
    """The quantization of an operand, and its integers less the zero point where it is a constant."""
    return quantization_of(value), _weight_steps(model, value) if is_weight(value) else None


def _weight_steps(model: Model, value: SSAValue) -> np.ndarray:
    """A quantized weight as integers less the zero point, int64."""
    uniform, array = element_type_of(value).data, model.weight(value).astype(np.int64)  # type: ignore[union-attr]
    shape: Sequence[int] = [-1 if axis == uniform.axis else 1 for axis in range(array.ndim)]
    return array - np.array(uniform.zero_points).reshape(shape)


def _limited(op: BoundOp, steps: np.ndarray, wanted: TensorQuantization) -> np.ndarray:
    """The real values of integers (less the zero point) within the fused relu and its limit."""
    if op.get("do_relu"):
        limit = op.get("relu_limit", -1.0)
        steps = np.clip(steps, 0, np.floor(limit / wanted.scale + 0.5) if limit > 0 else None)
    return real_values(steps, wanted)
