"""tpu.Pool2D: maximum and average over windows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import ml_dtypes
import numpy as np

from tpuc_bm1684x.kernels.base import Slice, register
from tpuc_bm1684x.kernels.constants import FLOATS
from tpuc_bm1684x.kernels.conv2d import SweepKernel, relu, sweep_of
from tpuc_bm1684x.kernels.engine import Engine, Operand, Rounding
from tpuc_bm1684x.kernels.stored import add_zero_point, limit_stored
from tpuc_bm1684x.kernels.widening import rounded_into, widened

LOWEST = {"i8": -128, "u8": 0, "f32": float(np.finfo(np.float32).min), "f16": float(np.finfo(np.float16).min), "bf16": float(ml_dtypes.finfo(ml_dtypes.bfloat16).min)}


def window_counts(size: int, out: int, kernel: int, stride: int, before: int) -> np.ndarray:
    """How many cells of each window along one axis are no padding."""
    starts = np.arange(out) * stride - before
    return np.maximum(np.minimum(starts + kernel, size) - np.maximum(starts, 0), 0)


def runs(values: np.ndarray) -> list[tuple[slice, int]]:
    """Runs of equal values: where, and the value."""
    cuts = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [(slice(a, b), int(values[a])) for a, b in itertools.pairwise(cuts)]


@register("tpu.Pool2D")
class Pool2D(SweepKernel):
    """max(x), or sum(x) / count; averages of 16 bits are computed in f32, those of INT8 are i32 sums that are requantized: by
    multiplier and rshift, or in f32 by scale and offset. What an INT8 average pads with is the input's zero point."""

    def prepare(self) -> None:
        self.is_max = self.op.get("pool_mode") == "Max"
        self.sweep = sweep_of(self, LOWEST[self.in_storage()] if self.is_max else self.in_zero_point())
        self.counts_padding = bool(self.op.get("count_include_pad")) or not any(self.sweep.pads)

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        x, sweep = inputs[0], self.sweep_on(part.rows)
        kh, kw = sweep.kernel
        if self.is_max:
            engine.max_pool(out, x, sweep)
        elif self.in_storage() in FLOATS:
            with rounded_into(engine, out, self.out_storage) as result:
                x = widened(engine, x, self.in_storage())
                engine.average_pool(result, x, sweep, 1 / (kh * kw) if self.counts_padding else 1.0)
                if not self.counts_padding:
                    self._divide_by_counts(engine, result, part, 1.0)
        else:
            with engine.scope():
                total = engine.local(out.shape, "i32")
                engine.average_pool(total, x, sweep, 1)
                if not self.counts_padding:
                    self._average_of_parts(engine, out, total, part)
                elif self.op.get("scale") is not None:
                    engine.requantize_float(out, total, self.op.get("scale"), self.op.get("offset"))
                else:
                    engine.requantize(out, total, (self.op.get("multiplier"), -self.op.get("rshift"), 0), Rounding.HALF_UP)
        if self.out_storage in FLOATS:
            relu(engine, self.op, out)
        else:
            limit_stored(engine, self, out)

    def _average_of_parts(self, engine: Engine, out: Operand, total: Operand, part: Slice) -> None:
        """(sum - zero point of every cell) * scale, more where padding is in the window, in f32; then rounded and saturated."""
        cells = self.sweep.kernel[0] * self.sweep.kernel[1]
        real, wide = engine.local(out.shape, "f32"), engine.local(out.shape, "i16")
        engine.cast(real, total, Rounding.HALF_AWAY)
        if self.in_zero_point():
            engine.sub(real, real, float(cells * self.in_zero_point()))
        self._divide_by_counts(engine, real, part, self.op.get("scale") * cells)
        engine.cast(wide, real, Rounding.HALF_AWAY)
        add_zero_point(engine, out, wide, self.out_zero_point, self.out_storage)

    def _divide_by_counts(self, engine: Engine, out: Operand, part: Slice, factor: float) -> None:
        """Times factor / the number of cells of each window that are no padding."""
        _, _, ih, iw = self.in_shape()
        _, _, oh, ow = self.out_shape
        (kh, kw), (sy, sx), (up, _, left, _) = self.sweep.kernel, self.sweep.stride, self.sweep.pads
        down = window_counts(ih, oh, kh, sy, up)[part.rows.start : part.rows.stop]
        for (rows, count_h), (columns, count_w) in itertools.product(runs(down), runs(window_counts(iw, ow, kw, sx, left))):
            place = engine.window(out, rows, columns)
            engine.mul(place, place, factor / max(1, count_h * count_w))
