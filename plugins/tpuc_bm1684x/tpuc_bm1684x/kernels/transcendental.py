"""Functions of one variable in f32 beyond e^x: logarithm, error function, sine and cosine, and what is made of them.

Every function writes `out`, which is not `x`. The series are the chip's own, in its static memory (docs/isa/memory.md).
"""

from __future__ import annotations

import math

from tpuc_bm1684x.isa import Rounding
from tpuc_bm1684x.kernels.active import FUNCTIONS, exp, sigmoid, tanh
from tpuc_bm1684x.kernels.engine import Engine, Operand

LOG_SERIES_BYTES, LOG_TERMS = 1152, 16  # of ln(1 + t)
ERFC_SERIES_BYTES, ERFC_TERMS = 1408, 10  # of ln(erfc(x) / t) + x^2 in t = 1 / (1 + x / 2)
SINE_SERIES_BYTES, SINE_TERMS = 1728, 8  # of sin(2 pi t) / t in t^2
EXPONENT_BIAS, FRACTION_BITS = 127, 23
LARGEST_ERROR_ARGUMENT = 10.0  # erf is 1 from here on, long since
LARGEST_MISH = 20.0  # tanh(ln(1 + e^x)) is 1 from here on


def series(engine: Engine, out: Operand, x: Operand, offset_bytes: int, terms: int) -> None:
    """The power series of static memory at `x`. `out` is not `x`."""
    with engine.scope():
        coefficients = engine.local((1, min(64, out.shape[1]), 1, terms), "f32")
        engine.static_table(coefficients, offset_bytes)
        engine.taylor(out, x, coefficients)


def logarithm(engine: Engine, out: Operand, x: Operand) -> None:
    """ln x = k ln 2 + ln(1 + t), x = 2^k (1 + t), -1/3 < t <= 1/3. About -90 at 0; nothing of sense below."""
    with engine.scope():
        exponent = engine.local(tuple(out.shape), "i32")
        engine.exponent(exponent, x)
        whole = engine.local(tuple(out.shape), "f32")
        engine.cast(whole, exponent, Rounding.HALF_AWAY)
        engine.sub(whole, whole, float(EXPONENT_BIAS))
        narrow = engine.local(tuple(out.shape), "i16")
        engine.cast(narrow, exponent, Rounding.HALF_AWAY)
        engine.min(narrow, narrow, 2 * EXPONENT_BIAS - 1)
        engine.mul_shift(narrow, narrow, -1, 0, Rounding.HALF_UP)
        engine.add_saturated(exponent, narrow, 2 * EXPONENT_BIAS, shift=FRACTION_BITS)
        part = engine.reinterpreted(exponent, "f32")
        engine.mul(part, part, x)
        engine.sub(part, part, 1.0)
        series(engine, out, part, LOG_SERIES_BYTES, LOG_TERMS)
        engine.mul(whole, whole, math.log(2))
        engine.add(out, out, whole)


def binary_logarithm(engine: Engine, out: Operand, x: Operand) -> None:
    """log2 x."""
    logarithm(engine, out, x)
    engine.mul(out, out, 1 / math.log(2))


def error_function(engine: Engine, out: Operand, x: Operand) -> None:
    """erf x = sign(x) (1 - t e^(P(t) - x^2)), t = 1 / (1 + |x| / 2)."""
    with engine.scope():
        t, power = (engine.local(tuple(out.shape), "f32") for _ in range(2))
        engine.abs(t, x)
        engine.mul(t, t, 0.5)
        engine.add(t, t, 1.0)
        engine.div(t, 1.0, t)
        series(engine, out, t, ERFC_SERIES_BYTES, ERFC_TERMS)
        engine.abs(power, x)
        engine.min(power, power, LARGEST_ERROR_ARGUMENT)
        engine.mul(power, power, power)
        engine.sub(power, out, power)
        exp(engine, out, power)
        engine.mul(t, t, out)
        engine.sub(t, 1.0, t)
        engine.greater(power, x, 0.0, 2.0)
        engine.sub(power, power, 1.0)
        engine.mul(out, t, power)


def gelu(engine: Engine, out: Operand, x: Operand) -> None:
    """x (1 + erf(x / sqrt 2)) / 2."""
    with engine.scope():
        scaled = engine.local(tuple(out.shape), "f32")
        engine.mul(scaled, x, math.sqrt(0.5))
        error_function(engine, out, scaled)
        engine.add(out, out, 1.0)
        engine.mul(out, out, 0.5)
        engine.mul(out, out, x)


def tanh_gelu(engine: Engine, out: Operand, x: Operand) -> None:
    """x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), which is the form with tanh."""
    with engine.scope():
        inner = engine.local(tuple(out.shape), "f32")
        engine.mul(inner, x, x)
        engine.mul(inner, inner, 0.044715)
        engine.add(inner, inner, 1.0)
        engine.mul(inner, inner, x)
        engine.mul(inner, inner, 2 * math.sqrt(2 / math.pi))
        sigmoid(engine, out, inner)
        engine.mul(out, out, x)


def sigmoid_gelu(engine: Engine, out: Operand, x: Operand) -> None:
    """x sigmoid(1.702 x)."""
    with engine.scope():
        inner = engine.local(tuple(out.shape), "f32")
        engine.mul(inner, x, 1.702)
        sigmoid(engine, out, inner)
        engine.mul(out, out, x)


def softplus(engine: Engine, out: Operand, x: Operand) -> None:
    """ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)."""
    with engine.scope():
        power, low = (engine.local(tuple(out.shape), "f32") for _ in range(2))
        engine.abs(low, x)
        engine.sub(low, 0.0, low)
        exp(engine, power, low)
        engine.add(power, power, 1.0)
        logarithm(engine, out, power)
        engine.max(low, x, 0.0)
        engine.add(out, out, low)


def log_sigmoid(engine: Engine, out: Operand, x: Operand) -> None:
    """-softplus(-x)."""
    with engine.scope():
        negative = engine.local(tuple(out.shape), "f32")
        engine.sub(negative, 0.0, x)
        softplus(engine, out, negative)
        engine.sub(out, 0.0, out)


def mish(engine: Engine, out: Operand, x: Operand) -> None:
    """x tanh(softplus(x)) = x n / (n + 2), n = e^x (e^x + 2)."""
    with engine.scope():
        low, power = (engine.local(tuple(out.shape), "f32") for _ in range(2))
        engine.min(low, x, LARGEST_MISH)
        exp(engine, power, low)
        engine.add(low, power, 2.0)
        engine.mul(power, power, low)
        engine.add(low, power, 2.0)
        engine.div(out, power, low)
        engine.mul(out, out, x)


def softsign(engine: Engine, out: Operand, x: Operand) -> None:
    """x / (1 + |x|)."""
    with engine.scope():
        size = engine.local(tuple(out.shape), "f32")
        engine.abs(size, x)
        engine.add(size, size, 1.0)
        engine.div(out, x, size)


def sign(engine: Engine, out: Operand, x: Operand) -> None:
    """-1, 0 or 1."""
    with engine.scope():
        negative = engine.local(tuple(out.shape), "f32")
        engine.greater(negative, 0.0, x)
        engine.greater(out, x, 0.0)
        engine.sub(out, out, negative)


def _fraction_of_turn(engine: Engine, out: Operand, x: Operand) -> None:
    """x / (2 pi) less the nearest whole number: -1/2 .. 1/2."""
    with engine.scope():
        whole = engine.local(tuple(out.shape), "f32")
        engine.mul(out, x, 1 / (2 * math.pi))
        engine.cast(whole, out, Rounding.HALF_AWAY)
        engine.sub(out, out, whole)


def _sine_of_turn(engine: Engine, out: Operand, part: Operand) -> None:
    """sin(2 pi part) for -1/4 <= part <= 1/4."""
    with engine.scope():
        square = engine.local(tuple(out.shape), "f32")
        engine.mul(square, part, part)
        series(engine, out, square, SINE_SERIES_BYTES, SINE_TERMS)
        engine.mul(out, out, part)


def sine(engine: Engine, out: Operand, x: Operand) -> None:
    """sin x, by its fraction of a turn, mirrored into a quarter."""
    with engine.scope():
        part, mirrored = (engine.local(tuple(out.shape), "f32") for _ in range(2))
        _fraction_of_turn(engine, part, x)
        engine.sub(mirrored, 0.5, part)
        engine.min(mirrored, part, mirrored)
        engine.sub(part, -0.5, part)
        engine.max(mirrored, mirrored, part)
        _sine_of_turn(engine, out, mirrored)


def cosine(engine: Engine, out: Operand, x: Operand) -> None:
    """cos x = sin(a quarter turn less |x|)."""
    with engine.scope():
        part = engine.local(tuple(out.shape), "f32")
        _fraction_of_turn(engine, part, x)
        engine.abs(part, part)
        engine.sub(part, 0.25, part)
        _sine_of_turn(engine, out, part)


def tangent(engine: Engine, out: Operand, x: Operand) -> None:
    """sin x / cos x."""
    with engine.scope():
        below = engine.local(tuple(out.shape), "f32")
        cosine(engine, below, x)
        sine(engine, out, x)
        engine.div(out, out, below)


def hyperbolic_cosine(engine: Engine, out: Operand, x: Operand) -> None:
    """(e^|x| + e^-|x|) / 2."""
    with engine.scope():
        size, power = (engine.local(tuple(out.shape), "f32") for _ in range(2))
        engine.abs(size, x)
        exp(engine, power, size)
        engine.div(out, 1.0, power)
        engine.add(out, out, power)
        engine.mul(out, out, 0.5)


def hyperbolic_sine(engine: Engine, out: Operand, x: Operand) -> None:
    """tanh x cosh x."""
    with engine.scope():
        other = engine.local(tuple(out.shape), "f32")
        tanh(engine, other, x)
        hyperbolic_cosine(engine, out, x)
        engine.mul(out, out, other)


def area_tangent(engine: Engine, out: Operand, x: Operand) -> None:
    """artanh x = ln((1 + x) / (1 - x)) / 2."""
    with engine.scope():
        above, below = (engine.local(tuple(out.shape), "f32") for _ in range(2))
        engine.add(above, x, 1.0)
        engine.sub(below, 1.0, x)
        engine.div(above, above, below)
        logarithm(engine, out, above)
        engine.mul(out, out, 0.5)


def _rounded(rounding: Rounding):
    def function(engine: Engine, out: Operand, x: Operand) -> None:
        engine.cast(out, x, rounding)

    return function


FUNCTIONS |= {
    "LN": logarithm, "LOG2": binary_logarithm, "ERF": error_function, "GELU": gelu, "TGELU": tanh_gelu, "QGELU": sigmoid_gelu,
    "SOFT_PLUS": softplus, "LOG_SIGMOID": log_sigmoid, "MISH": mish, "SOFT_SIGN": softsign, "SIGN": sign, "SIN": sine, "COS": cosine,
    "TAN": tangent, "COSH": hyperbolic_cosine, "SINH": hyperbolic_sine, "ARCTANH": area_tangent,
    "CEIL": _rounded(Rounding.UP), "FLOOR": _rounded(Rounding.DOWN), "ROUND": _rounded(Rounding.HALF_AWAY),
}
