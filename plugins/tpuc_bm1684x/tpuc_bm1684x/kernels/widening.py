"""F32 inside an op of 16 bits: where the chip's 16-bit arithmetic would lose more than the rounding of the result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tpuc_bm1684x.kernels.engine import Engine, Operand, Rounding
from tpuc_bm1684x.kernels.stored import converted


def widened(engine: Engine, x: Operand, storage: str, channels: int = 1) -> Operand:
    """The float operand in f32: itself, or a copy that lives to the end of the scope. `channels`: those of a result that broadcasts it."""
    if storage == "f32":
        return x
    return converted(engine, x, "f32", channels, lambda wide: engine.cast(wide, x, Rounding.HALF_TO_EVEN))


@contextmanager
def rounded_into(engine: Engine, out: Operand, storage: str) -> Iterator[Operand]:
    """A scope with an f32 operand for a result that is rounded to `out` at its end: `out` itself where that is f32."""
    with engine.scope():
        wide = out if storage == "f32" else engine.local(tuple(out.shape), "f32")
        yield wide
        if storage != "f32":
            engine.cast(out, wide, Rounding.HALF_TO_EVEN)
