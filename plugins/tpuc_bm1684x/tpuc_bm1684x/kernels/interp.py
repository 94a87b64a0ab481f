"""tpu.Interp: a map of another size. Output rows (and columns) that lie alike between input rows are computed together.

With an output of 2 n rows, all even ones are `a x[i] + b x[i + 1]` and all odd ones `b x[i] + a x[i + 1]`, with strides of 2: two runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np

from tpuc_bm1684x.kernels.base import LocalKernel, Slice, register
from tpuc_bm1684x.kernels.engine import Engine, Operand, Rows
from tpuc_bm1684x.kernels.widening import rounded_into, widened
from tpuc_core.evaluate.resize import positions


@dataclass(frozen=True)
class Cells:
    """For each output cell of an axis: the cell below it, and how much of it comes from the one above that. `period`: how many
    phases there are."""

    low: np.ndarray
    high: np.ndarray
    part: np.ndarray
    period: int


@dataclass(frozen=True)
class Run:
    """Output cells first, first + step, ..., `count` of them, from input cells low, low + low_step, ... and those `distance` above."""

    first: int
    step: int
    count: int
    low: int
    low_step: int
    distance: int
    part: float

    def outputs(self) -> slice:
        return slice(self.first, self.first + (self.count - 1) * self.step + 1, self.step)

    def inputs(self, distance: int = 0) -> slice:
        start = self.low + distance
        return slice(start, start + (self.count - 1) * self.low_step + 1, self.low_step)


@lru_cache(maxsize=256)
def cells_of(mode: str, coordinate_mode: str, size: int, wanted: int, scale: float) -> Cells:
    """As tpuc_core.evaluate.resize defines them."""
    where = positions(coordinate_mode, size, wanted, scale)
    between = (size - 1, wanted - 1) if coordinate_mode == "align_corners" and min(size, wanted) > 1 else (size, wanted)
    period = between[1] // gcd(*between)
    if mode == "nearest":
        cell = np.floor(where) if coordinate_mode == "asymmetric" else np.ceil(where - 0.5)
        low = np.clip(cell, 0, size - 1).astype(np.int64)
        return Cells(low, low, np.zeros(wanted, np.float32), period)
    where = np.clip(where, 0, size - 1)
    low = np.floor(where).astype(np.int64)
    return Cells(low, np.minimum(low + 1, size - 1), (where - low).astype(np.float32), period)


def runs_of(cells: Cells, rows: Rows, start: int) -> Iterator[Run]:
    """The runs of some output cells, counted from the first of them, with input cells counted from `start`."""
    for phase in range(min(cells.period, len(rows))):
        run: list[int] = []
        for i in range(rows.start + phase, rows.stop, cells.period):
            if run and not _continues(cells, run, i):
                yield _run(cells, run, rows.start, start)
                run = []
            run.append(i)
        if run:
            yield _run(cells, run, rows.start, start)


def _continues(cells: Cells, run: Sequence[int], i: int) -> bool:
    before = run[-1]
    step = cells.low[i] - cells.low[before]
    is_even = len(run) == 1 or step == cells.low[before] - cells.low[run[-2]]
    is_alike = cells.part[i] == cells.part[before] and cells.high[i] - cells.low[i] == cells.high[before] - cells.low[before]
    return bool(step > 0 and is_even and is_alike)


def _run(cells: Cells, run: Sequence[int], first: int, start: int) -> Run:
    i = run[0]
    step, low_step = (run[1] - i, int(cells.low[run[1]] - cells.low[i])) if len(run) > 1 else (1, 1)
    return Run(i - first, step, len(run), int(cells.low[i]) - start, low_step, int(cells.high[i] - cells.low[i]), float(cells.part[i]))


@register("tpu.Interp")
class Interp(LocalKernel):
    """below (1 - part) + above part, along columns, then along rows; floats and 8 bits in f32, rounded once. Nearest cells are copied."""

    def prepare(self) -> None:
        op, (_, _, h, w), (_, _, oh, ow) = self.op, self.in_shape(), self.out_shape
        mode, coordinate_mode = op.get("mode"), op.get("coord_mode")
        self.row_cells = cells_of(mode, coordinate_mode, h, oh, op.get("scale_h"))
        self.column_cells = cells_of(mode, coordinate_mode, w, ow, op.get("scale_w"))
        self.is_copied = mode == "nearest"
        self.has_columns, self.has_rows = w != ow, h != oh

    def input_rows(self, index: int, rows: Rows) -> Rows:
        if not self.has_rows:
            return rows
        return Rows(int(self.row_cells.low[rows.start]), int(self.row_cells.high[rows.stop - 1]) + 1)

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        storage = "f32" if self.is_copied else self.out_storage
        with rounded_into(engine, out, storage) as result:
            x = inputs[0] if self.is_copied else widened(engine, inputs[0], self.in_storage())
            if not self.has_columns and not self.has_rows:
                engine.copy(result, x)
                return
            if self.has_columns:
                n, c, h, _ = x.shape
                wide = engine.local((n, c, h, self.out_shape[3]), self.out_storage if self.is_copied else "f32") if self.has_rows else result
                for run in runs_of(self.column_cells, Rows(0, self.out_shape[3]), 0):
                    self._blend(engine, wide, x, run, is_row=False)
                x = wide
            if self.has_rows:
                for run in runs_of(self.row_cells, part.rows, part.inputs[0].start):
                    self._blend(engine, result, x, run, is_row=True)

    def _blend(self, engine: Engine, out: Operand, x: Operand, run: Run, *, is_row: bool) -> None:
        def window(operand: Operand, cells: slice) -> Operand:
            return engine.window(operand, *((cells, slice(None)) if is_row else (slice(None), cells)))

        place, below = window(out, run.outputs()), window(x, run.inputs())
        if not run.distance or not run.part:
            engine.copy(place, below)
            return
        with engine.scope():
            above = engine.local(tuple(place.shape), "f32")
            engine.mul(above, window(x, run.inputs(run.distance)), run.part)
            engine.mul(place, below, float(np.float32(1) - np.float32(run.part)))
            engine.add(place, place, above)
