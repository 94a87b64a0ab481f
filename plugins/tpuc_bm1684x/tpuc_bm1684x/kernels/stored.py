"""Integers with a zero point: real = (stored - zero point) * scale."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import TYPE_CHECKING

from tpuc_bm1684x.kernels.constants import LANES
from tpuc_bm1684x.kernels.engine import Engine, Operand, Rounding
from tpuc_core.ir import quantization_of

if TYPE_CHECKING:
    from tpuc_bm1684x.kernels.base import Kernel


def limit_stored(engine: Engine, kernel: Kernel, out: Operand) -> None:
    """The fused relu of an 8-bit result, in place: nothing where its zero is the lowest integer, and its limit beyond the
    highest, for then saturation does it."""
    op, quantization = kernel.op, quantization_of(kernel.out)
    if quantization is None or not op.get("do_relu"):
        return
    if quantization.zero_point > quantization.limits[0]:
        engine.max(out, out, quantization.zero_point)
    limit_above(engine, kernel, out)


def limit_above(engine: Engine, kernel: Kernel, out: Operand) -> None:
    """The attribute relu_limit of an 8-bit result, in place: nothing where it is beyond the highest integer."""
    quantization, limit = quantization_of(kernel.out), kernel.op.get("relu_limit")
    if quantization is None:
        return
    high = quantization.limits[1]
    if limit > 0 and (top := floor(limit / quantization.scale + 0.5) + quantization.zero_point) < high:
        engine.min(out, out, top)


def without_zero_point(engine: Engine, x: Operand, zero_point: int, channels: int) -> Operand:
    """x - zero point in i16; x itself where there is none. `channels`: those of the result, see `converted`."""
    if not zero_point:
        return x
    return converted(engine, x, "i16", channels, lambda out: engine.add_saturated(out, x, -zero_point))


def add_zero_point(engine: Engine, out: Operand, wide: Operand, zero_point: int, storage: str) -> None:
    """out = i16 values + zero point, saturated to `storage`, 8 bits. An unsigned result takes a step more: a sum saturates to a signed type
    where an operand is signed. `wide` is overwritten then."""
    if storage == "i8":
        engine.add_saturated(out, wide, zero_point)
        return
    if zero_point:
        engine.add_saturated(wide, wide, zero_point)
    engine.cast(out, wide, Rounding.HALF_UP)


def converted(engine: Engine, x: Operand, storage: str, channels: int, convert: Callable[[Operand], None]) -> Operand:
    """A new local tensor of the shape of `x`, filled by `convert`. One channel that all of the result's read lies in every
    lane, like `x`."""
    n, c, h, w = x.shape
    is_spread = c == 1 < channels
    out = engine.local((n, min(LANES, channels) if is_spread else c, h, w), storage)
    convert(out)
    return engine.channels(out, 0, 1) if is_spread else out
