"""tpu.Softmax along any axis, in f32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpuc_bm1684x.kernels.active import exp
from tpuc_bm1684x.kernels.along_axis import AlongAxis, Piece, accumulate, maximum, total
from tpuc_bm1684x.kernels.base import register
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand
from tpuc_bm1684x.kernels.transcendental import logarithm
from tpuc_core.ir import shape_of

LEAST_EXPONENT = -100.0  # e^x is 0 from here on


@register("tpu.Softmax")
class Softmax(AlongAxis):
    """e^(x - max) / sum e^(x - max), or the logarithm of it."""

    def prepare(self) -> None:
        axis = self.op.get("axis") % len(shape_of(self.out))
        self.set_axes(axis, axis)
        self.is_log = bool(self.op.get("log"))

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        for piece in self.pieces():
            with engine.scope():
                self._piece(engine, out, inputs[0], piece)

    def _piece(self, engine: Engine, out: GlobalView, source: GlobalView, piece: Piece) -> None:
        highest, part, sums = (engine.local((1, piece.c, 1, piece.w), "f32") for _ in range(3))
        whole = self.load(engine, source, piece, self.chunks[0]) if len(self.chunks) == 1 else None
        for index, rows in enumerate(self.chunks):
            with engine.scope():
                maximum(engine, part, self.load(engine, source, piece, rows) if whole is None else whole)
                accumulate(engine, highest, part, index, "max")
        for index, rows in enumerate(self.chunks):
            with engine.scope():
                x = self.load(engine, source, piece, rows) if whole is None else whole
                power = self._power(engine, x, highest)
                total(engine, part, power)
                accumulate(engine, sums, part, index, "add")
                if whole is not None and not self.is_log:
                    engine.div(x, power, sums)
                    self.store(engine, out, piece, rows, x)
                    return
        if self.is_log:
            logarithm(engine, part, sums)
        for rows in self.chunks:
            with engine.scope():
                x = self.load(engine, source, piece, rows) if whole is None else whole
                self._finish(engine, x, highest, part if self.is_log else sums)
                self.store(engine, out, piece, rows, x)

    def _power(self, engine: Engine, x: Operand, highest: Operand) -> Operand:
        """e^(x - max)."""
        power, shifted = (engine.local(tuple(x.shape), "f32") for _ in range(2))
        engine.sub(shifted, x, highest)
        engine.max(shifted, shifted, LEAST_EXPONENT)
        exp(engine, power, shifted)
        return power

    def _finish(self, engine: Engine, x: Operand, highest: Operand, divisor: Operand) -> None:
        """The result in place of x; `divisor` is the sum, or its logarithm."""
        if self.is_log:
            engine.sub(x, x, highest)
            engine.sub(x, x, divisor)
            return
        power = self._power(engine, x, highest)
        engine.div(x, power, divisor)
