"""tpu.LayerNorm: a standard deviation of 1 along the last axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpuc_bm1684x.kernels.along_axis import AlongAxis, Piece, accumulate, load_vector, total
from tpuc_bm1684x.kernels.base import register, source_of
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand, Rows
from tpuc_core.ir import is_none, shape_of


@register("tpu.LayerNorm")
class LayerNorm(AlongAxis):
    """(x - mean) * rsqrt(mean of (x - mean)^2 + eps) * weight + bias, in f32; constants are read like activations."""

    def prepare(self) -> None:
        self.activations = [source_of(v) for v in self.op.operands[:3] if not is_none(v)]
        self.has_weight, self.has_bias = (not is_none(v) for v in self.op.operands[1:3])
        rank = len(shape_of(self.out))
        self.set_axes(self.op.get("axis") % rank, rank - 1)

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        for piece in self.pieces():
            with engine.scope():
                self._piece(engine, out, inputs[0], inputs[1:], piece)

    def _piece(self, engine: Engine, out: GlobalView, source: GlobalView, affine: Sequence[GlobalView], piece: Piece) -> None:
        mean, part, factor = (engine.local((1, piece.c, 1, piece.w), "f32") for _ in range(3))
        whole = self.load(engine, source, piece, self.chunks[0]) if len(self.chunks) == 1 else None
        for index, rows in enumerate(self.chunks):
            with engine.scope():
                total(engine, part, self.load(engine, source, piece, rows) if whole is None else whole, 1 / self.length)
                accumulate(engine, mean, part, index, "add")
        for index, rows in enumerate(self.chunks):
            with engine.scope():
                x = self._centred(engine, source, piece, rows, mean) if whole is None else whole
                if whole is not None:
                    engine.sub(whole, whole, mean)
                square = engine.local(tuple(x.shape), "f32")
                engine.mul(square, x, x)
                total(engine, part, square, 1 / self.length)
                accumulate(engine, factor, part, index, "add")
        engine.add(part, factor, self.op.get("eps"))
        engine.rsqrt(factor, part)
        for rows in self.chunks:
            with engine.scope():
                x = self._centred(engine, source, piece, rows, mean) if whole is None else whole
                engine.mul(x, x, factor)
                self._apply(engine, x, affine, rows)
                self.store(engine, out, piece, rows, x)

    def _centred(self, engine: Engine, source: GlobalView, piece: Piece, rows: Rows, mean: Operand) -> Operand:
        x = self.load(engine, source, piece, rows)
        engine.sub(x, x, mean)
        return x

    def _apply(self, engine: Engine, x: Operand, affine: Sequence[GlobalView], rows: Rows) -> None:
        for view, instruction in zip(affine, ["mul"] * self.has_weight + ["add"] * self.has_bias):
            getattr(engine, instruction)(x, x, load_vector(engine, view, rows))
