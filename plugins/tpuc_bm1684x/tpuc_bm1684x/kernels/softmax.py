"""tpu.Softmax in f32: the axis lies along h of local memory, what is before it and behind it along c and w."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tpuc_bm1684x.kernels.active import exp
from tpuc_bm1684x.kernels.base import GlobalKernel, register
from tpuc_bm1684x.kernels.constants import LANES
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand, Sweep
from tpuc_bm1684x.kernels.pool2d import LOWEST
from tpuc_core.errors import TpucError
from tpuc_core.ir import shape_of

MOST_LENGTH = 16384  # three and a half tensors of a lane live at a time
WORKING_BYTES = 48 * 1024  # of a lane, for one of the five tensors that live at a time


@register("tpu.Softmax")
class Softmax(GlobalKernel):
    """e^(x - max) / sum e^(x - max)."""

    def prepare(self) -> None:
        shape = shape_of(self.out)
        axis = self.op.get("axis") % len(shape)
        self.outer, self.length, self.inner = int(np.prod(shape[:axis])), shape[axis], int(np.prod(shape[axis + 1 :]))
        if self.out_storage != "f32" or self.op.get("log"):
            raise TpucError(f'"{self.name}": Softmax runs in F32 and without log on bm1684x')
        if self.length > MOST_LENGTH:
            raise TpucError(f'"{self.name}": Softmax along an axis of {self.length} elements does not fit a lane of bm1684x; {MOST_LENGTH} are the most')

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        for shape, strides, offset in self._pieces():
            with engine.scope():
                self._piece(engine, out.viewed(shape, strides, offset), inputs[0].viewed(shape, strides, offset))

    def _pieces(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], int]]:
        """Shape [1, c, length, w], strides and offset of pieces that fit local memory."""
        length, inner = self.length, self.inner
        if inner == 1:
            slots = max(1, WORKING_BYTES // (-(-length * 4 // 64) * 64))
            for c in range(0, self.outer, slots * LANES):
                yield (1, min(self.outer - c, slots * LANES), length, 1), (0, length, 1, 1), c * length
            return
        width = max(1, min(-(-inner // LANES), WORKING_BYTES // (length * 4)))
        for outer in range(self.outer):
            start = outer * length * inner
            for w in range(0, inner, width * LANES):
                lanes = min(LANES, (inner - w) // width)
                if lanes:
                    yield (1, lanes, length, width), (0, width, inner, 1), start + w
                rest = min(inner - w, width * LANES) - lanes * width
                if rest:
                    yield (1, 1, length, rest), (0, 0, inner, 1), start + w + lanes * width

    def _piece(self, engine: Engine, out: GlobalView, source: GlobalView) -> None:
        n, c, h, w = source.shape
        x = engine.local((n, c, h, w), "f32")
        engine.load(x, source)
        over_axis = Sweep((h, 1), pad_value=LOWEST["f32"])
        row = engine.local((n, c, 1, w), "f32")
        engine.max_pool(row, x, over_axis)
        engine.sub(x, x, row)
        power = engine.local((n, c, h, w), "f32")
        exp(engine, power, x)
        engine.average_pool(row, power, Sweep((h, 1)), 1.0)
        engine.div(x, power, row)
        engine.store(out, x)
