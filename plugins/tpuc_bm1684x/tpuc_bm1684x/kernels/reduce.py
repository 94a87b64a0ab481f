"""tpu.Reduce over axes that are next to each other, in f32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpuc_bm1684x.kernels.active import square_root
from tpuc_bm1684x.kernels.along_axis import AlongAxis, Piece, accumulate, maximum, store_f32, total
from tpuc_bm1684x.kernels.base import register
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand, Rows
from tpuc_core.errors import TpucError
from tpuc_core.ir import shape_of

JOINS = {"ReduceMax": "max", "ReduceMin": "max", "ReduceProd": "mul"}


@register("tpu.Reduce")
class Reduce(AlongAxis):
    """Mean, sum, sum of sizes, root of the sum of squares, greatest, least or product."""

    def prepare(self) -> None:
        rank = len(shape_of(self.activations[0]))
        axes = sorted(axis % rank for axis in self.op.get("axes"))
        if axes != list(range(axes[0], axes[-1] + 1)):
            raise TpucError(f'"{self.name}": bm1684x reduces axes that are next to each other, not {axes}')
        self.mode = self.op.get("mode")
        self.set_axes(axes[0], axes[-1])

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        for piece in self.pieces():
            with engine.scope():
                result, part = (engine.local((1, piece.c, 1, piece.w), "f32") for _ in range(2))
                for index, rows in enumerate(self.chunks):
                    with engine.scope():
                        self._chunk(engine, part, self.load(engine, inputs[0], piece, rows))
                    accumulate(engine, result, part, index, JOINS.get(self.mode, "add"))
                result = self._finished(engine, result, part)
                self._store(engine, out, piece, result)

    def _chunk(self, engine: Engine, part: Operand, x: Operand) -> None:
        """The result of some elements of the axis, before the last step."""
        match self.mode:
            case "ReduceMax":
                maximum(engine, part, x)
            case "ReduceMin":
                engine.mul(x, x, -1.0)
                maximum(engine, part, x)
            case "ReduceProd":
                self._multiply(engine, part, x)
            case "ReduceL1":
                engine.abs(x, x)
                total(engine, part, x)
            case "ReduceL2":
                engine.mul(x, x, x)
                total(engine, part, x)
            case _:
                total(engine, part, x, 1 / self.length if self.mode == "ReduceMean" else 1.0)

    def _multiply(self, engine: Engine, part: Operand, x: Operand) -> None:
        """The product along h, by halves: row i times row i + half, in place."""
        count = x.shape[2]
        while count > 1:
            half = count // 2
            low, high = engine.rows(x, Rows(0, half)), engine.rows(x, Rows(count - half, count))
            engine.mul(low, low, high)
            count -= half
        engine.copy(part, engine.rows(x, Rows(0, 1)))

    def _finished(self, engine: Engine, result: Operand, part: Operand) -> Operand:
        if self.mode == "ReduceMin":
            engine.mul(result, result, -1.0)
        if self.mode != "ReduceL2":
            return result
        square_root(engine, part, result)
        return part

    def _store(self, engine: Engine, out: GlobalView, piece: Piece, result: Operand) -> None:
        store_f32(engine, piece.view(out, 1, self.inner), result)
