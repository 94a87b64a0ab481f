"""tpu.MatMul of operands that both change from run to run, or that have batches: matrix by matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tpuc_bm1684x.isa import Rounding
from tpuc_bm1684x.kernels.along_axis import load_f32, store_f32
from tpuc_bm1684x.kernels.base import GlobalKernel, Kernel, register, source_of
from tpuc_bm1684x.kernels.constants import EU_BYTES, LANES
from tpuc_bm1684x.kernels.conv2d import MatMul, relu
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand
from tpuc_bm1684x.kernels.stored import limit_stored
from tpuc_core.ir import TensorOp, is_none, is_weight, quantization_of, shape_of, storage_of

RUN_BYTES = 256  # a transfer of less counts as so much
MOST_INNER = 512  # of a tile: rows of the right side, at most 64 bytes in a lane
LEFT_BYTES = 64 * 1024  # of the left side of a tile, in one lane
MOST_ROWS = 512  # of a tile
INTEGERS = ("i8", "u8")


@register("tpu.MatMul")
def matmul_kernel(op: TensorOp) -> Kernel:
    """With a constant matrix on the right the product is a convolution with one filter for each column, where there are few rows."""
    left, right = (source_of(v) for v in op.operands[:2])
    is_flat = len(shape_of(left)) == 2 == len(shape_of(op.results[0]))
    has_filters = is_weight(right) and not is_weight(left) and is_flat and not has_many_rows(op)
    return MatMul(op) if has_filters else BatchMatMul(op)


def has_many_rows(op: TensorOp) -> bool:
    """Whether an f32 product moves more for its rows, as images of one element a channel, than its matrix in pieces of 64 bytes."""
    (rows, inner), columns = shape_of(op.operands[0]), shape_of(op.results[0])[1]
    is_plain = storage_of(op.results[0]) == "f32" and not op.get("right_transpose")
    return is_plain and rows * (inner + columns) * RUN_BYTES >= inner * columns * (RUN_BYTES // EU_BYTES - 1) * 4


@dataclass(frozen=True)
class Columns:
    """Columns start.. of a matrix, in `pieces` of `width`, one to a lane."""

    start: int
    pieces: int
    width: int


def split_columns(count: int) -> Iterator[Columns]:
    """All columns, in pieces of as many as a lane multiplies at a time, so that transfers have long rows; a rest is one piece."""
    width = min(count, EU_BYTES // 4)
    for start in range(0, count, LANES * width):
        here = min(LANES * width, count - start)
        if here >= width:
            yield Columns(start, here // width, width)
        if here % width:
            yield Columns(start + here // width * width, 1, here % width)


def piece_width(count: int) -> int:
    """The width of pieces of equal size that lie in at most 64 lanes: the greatest of which a lane multiplies one at a time, else the least."""
    widths = [width for width in range(-(-count // LANES), count + 1) if count % width == 0]
    return max((width for width in widths if width <= EU_BYTES // 4), default=widths[0])


def tiles(count: int, most: int) -> list[tuple[int, int]]:
    """First and last but one of parts of at most so many."""
    return [(start, min(count, start + most)) for start in range(0, count, most)]


class BatchMatMul(GlobalKernel):
    """[..., m, k] * [..., k, n], batches broadcast; floats in f32, 8 bits as exact i32 sums that are requantized."""

    def prepare(self) -> None:
        self.activations = [source_of(v) for v in self.op.operands[:3] if not is_none(v)]
        self.shapes = [tuple(shape_of(v)) for v in (*self.activations[:2], self.out)]
        self.rows, self.columns, self.inner = self.shapes[2][-2], self.shapes[2][-1], self.shapes[0][-1]
        self.is_integer = self.out_storage in INTEGERS
        self.zero_points = [q.zero_point if (q := quantization_of(v)) else 0 for v in (*self.activations[:2], self.out)]

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        batch = self.shapes[2][:-2]
        for index in np.ndindex(*batch):
            left, right, product = (self._matrix(view, shape, index) for view, shape in zip((*inputs[:2], out), self.shapes))
            for columns in split_columns(self.columns):
                with engine.scope():
                    self._columns(engine, product, left, right, columns, self._bias(engine, inputs[2:], columns))

    def _matrix(self, view: GlobalView, shape: tuple[int, ...], index: tuple[int, ...]) -> GlobalView:
        """[1, rows, 1, columns] of a batch; an axis of one matrix serves all."""
        rows, columns = shape[-2:]
        place = 0
        own = shape[:-2]
        for size, i in zip(own, index[len(index) - len(own) :]):
            place = place * size + (i if size > 1 else 0)
        return view.viewed((1, rows, 1, columns), (0, columns, columns, 1), place * rows * columns)

    def _bias(self, engine: Engine, views: Sequence[GlobalView], columns: Columns) -> Operand | None:
        """The part of a bias [n] that belongs to some columns, in f32."""
        if not views:
            return None
        return load_f32(engine, views[0].viewed((1, columns.pieces, 1, columns.width), (0, columns.width, 0, 1), columns.start))

    def _columns(self, engine: Engine, out: GlobalView, left: GlobalView, right: GlobalView, columns: Columns, bias: Operand | None) -> None:
        parts = tiles(self.inner, MOST_INNER)
        kept = self._right(engine, right, columns, parts[0]) if len(parts) == 1 else None
        rows = max(1, min(MOST_ROWS, LEFT_BYTES // (max(last - first for first, last in parts) * 4)))
        for first, last in tiles(self.rows, rows):
            with engine.scope():
                total = engine.local((last - first, columns.pieces, 1, columns.width), "i32" if self.is_integer else "f32")
                for index, part in enumerate(parts):
                    with engine.scope():
                        b = self._right(engine, right, columns, part) if kept is None else kept
                        a = self._left(engine, left, (first, last), part)
                        self._product(engine, total, a, b, bias if index == 0 else None, is_added=index > 0)
                view = out.viewed(total.shape, (self.columns, columns.width, 0, 1), first * self.columns + columns.start)
                self._finish(engine, view, total)

    def _left(self, engine: Engine, left: GlobalView, rows: tuple[int, int], part: tuple[int, int]) -> Operand:
        """Whole rows in one lane: what the instruction reads of them is little, and a transfer has long runs."""
        view = left.viewed((rows[1] - rows[0], 1, 1, part[1] - part[0]), (self.inner, 0, 0, 1), rows[0] * self.inner + part[0])
        return self._load(engine, view, 0)

    def _right(self, engine: Engine, right: GlobalView, columns: Columns, part: tuple[int, int]) -> Operand:
        shape = (part[1] - part[0], columns.pieces, 1, columns.width)
        return self._load(engine, right.viewed(shape, (self.columns, columns.width, 0, 1), part[0] * self.columns + columns.start), 1)

    def _load(self, engine: Engine, view: GlobalView, side: int) -> Operand:
        """Elements as the product takes them: f32, 8 bits, or, where there are zero points, 16 bits without them."""
        if not self.is_integer:
            return load_f32(engine, view)
        x = engine.local(view.shape, view.storage)
        engine.load(x, view)
        if not any(self.zero_points[:2]):
            return x
        wide = engine.local(view.shape, "i16")
        engine.sub(wide, x, self.zero_points[side])
        return wide

    def _product(self, engine: Engine, total: Operand, left: Operand, right: Operand, bias: Operand | None, *, is_added: bool) -> None:
        if is_added and self.is_integer:
            part = engine.local(tuple(total.shape), "i32")
            engine.matmul(part, left, right, left.shape[3])
            engine.add(total, total, part)
        else:
            engine.matmul(total, left, right, left.shape[3], bias, is_added=is_added)

    def _finish(self, engine: Engine, view: GlobalView, total: Operand) -> None:
        if not self.is_integer:
            relu(engine, self.op, total)
            store_f32(engine, view, total)
            return
        (multiplier,), (rshift,) = self.op.get("multipliers"), self.op.get("rshifts")
        result = engine.local(tuple(total.shape), self.out_storage)
        engine.requantize(result, total, (multiplier, -rshift, self.zero_points[2]), Rounding.HALF_AWAY)
        limit_stored(engine, self, result)
        engine.store(view, result)
