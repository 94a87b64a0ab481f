"""tpu.Active: functions of one variable, from the chip's series and approximations, in f32.

The chip has the series in 16 bits too, but those round at each of their steps; a 16-bit op is computed in f32 and rounded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from tpuc_bm1684x.isa import Rounding
from tpuc_bm1684x.kernels.base import LocalKernel, Slice, register
from tpuc_bm1684x.kernels.constants import FLOATS
from tpuc_bm1684x.kernels.engine import Engine, Operand
from tpuc_bm1684x.kernels.widening import rounded_into, widened
from tpuc_core.errors import TpucError, did_you_mean

EXP_SERIES_BYTES, EXP_TERMS = 1024, 10  # the series of exp in static memory (docs/isa/memory.md)
EXPONENT_BIAS, FRACTION_BITS = 127, 23


def exp(engine: Engine, out: Operand, x: Operand) -> None:
    """e^x = 2^k * e^r, k = floor(x / ln 2), r = x - k ln 2 by its series; 2^k is put together from its bits. `out` is not `x`."""
    with engine.scope():
        series = engine.local((1, min(64, out.shape[1]), 1, EXP_TERMS), "f32")
        engine.static_table(series, EXP_SERIES_BYTES)
        whole = engine.local(tuple(out.shape), "f32")
        engine.mul(whole, x, 1 / math.log(2))
        engine.cast(whole, whole, Rounding.DOWN)
        exponent = engine.local(tuple(out.shape), "i16")
        engine.cast(exponent, whole, Rounding.HALF_AWAY)
        engine.mul(whole, whole, math.log(2))
        engine.sub(whole, x, whole)
        engine.taylor(out, whole, series)
        engine.min(exponent, exponent, EXPONENT_BIAS)
        engine.max(exponent, exponent, -EXPONENT_BIAS)
        power = engine.reinterpreted(whole, "i32")
        engine.add_saturated(power, exponent, EXPONENT_BIAS, shift=FRACTION_BITS)
        engine.mul(out, out, engine.reinterpreted(power, "f32"))


def sigmoid(engine: Engine, out: Operand, x: Operand) -> None:
    """1 / (1 + e^-x)."""
    with engine.scope():
        negative = engine.local(tuple(out.shape), "f32")
        engine.sub(negative, 0.0, x)
        power = engine.local(tuple(out.shape), "f32")
        exp(engine, power, negative)
        engine.add(power, power, 1.0)
        engine.div(out, 1.0, power)


def silu(engine: Engine, out: Operand, x: Operand) -> None:
    """x * sigmoid(x)."""
    sigmoid(engine, out, x)
    engine.mul(out, out, x)


def tanh(engine: Engine, out: Operand, x: Operand) -> None:
    """2 * sigmoid(2 x) - 1."""
    with engine.scope():
        double = engine.local(tuple(out.shape), "f32")
        engine.mul(double, x, 2.0)
        sigmoid(engine, out, double)
        engine.mul(out, out, 2.0)
        engine.sub(out, out, 1.0)


def hard_sigmoid(engine: Engine, out: Operand, x: Operand, beta: float = 0.5, alpha: float = 1 / 6) -> None:
    """min(max(alpha x + beta, 0), 1)."""
    engine.mul(out, x, alpha)
    engine.add(out, out, beta)
    engine.max(out, out, 0.0)
    engine.min(out, out, 1.0)


def hard_swish(engine: Engine, out: Operand, x: Operand) -> None:
    """x * hard_sigmoid(x)."""
    hard_sigmoid(engine, out, x)
    engine.mul(out, out, x)


def elu(engine: Engine, out: Operand, x: Operand, alpha: float = 1.0) -> None:
    """max(x, 0) + alpha (e^min(x, 0) - 1)."""
    with engine.scope():
        low = engine.local(tuple(out.shape), "f32")
        engine.min(low, x, 0.0)
        exp(engine, out, low)
        engine.sub(out, out, 1.0)
        engine.mul(out, out, alpha)
        engine.max(low, x, 0.0)
        engine.add(out, out, low)


def square_root(engine: Engine, out: Operand, x: Operand) -> None:
    """x / sqrt(x): 0 at 0."""
    with engine.scope():
        root = engine.local(tuple(out.shape), "f32")
        engine.rsqrt(root, x)
        engine.mul(out, root, x)


FUNCTIONS: dict[str, Callable[..., None]] = {
    "EXP": exp, "SIGMOID": sigmoid, "SILU": silu, "TANH": tanh, "HSIGMOID": hard_sigmoid, "HSWISH": hard_swish, "ELU": elu,
    "SQRT": square_root, "RSQRT": lambda engine, out, x: engine.rsqrt(out, x), "ABSVAL": lambda engine, out, x: engine.abs(out, x),
    "SQUARE": lambda engine, out, x: engine.mul(out, x, x),
}

ROUNDED_ONCE = {"ABSVAL", "SQUARE"}
"""Functions of a single instruction."""


@register("tpu.Active")
class Active(LocalKernel):
    """The function of the attribute `mode`."""

    def prepare(self) -> None:
        mode = self.op.get("mode")
        if mode not in FUNCTIONS or self.out_storage not in FLOATS:
            raise TpucError(f'"{self.name}": no function "{mode}" on {self.out_storage}; {did_you_mean(mode, FUNCTIONS)}, on floats')

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        mode = self.op.get("mode")
        is_exact = mode in ROUNDED_ONCE
        with rounded_into(engine, out, "f32" if is_exact else self.out_storage) as result:
            x = inputs[0] if is_exact else widened(engine, inputs[0], self.in_storage())
            FUNCTIONS[mode](engine, result, x, *(self.op.get("coeffs") or ()))
