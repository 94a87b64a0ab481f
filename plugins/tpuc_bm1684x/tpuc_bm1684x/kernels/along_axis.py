"""What softmax, normalizations and reductions share: a tensor as [outer, length, inner], worked on along its middle axis.

In local memory `length` lies along h. What is before it and behind it lies along c and w: a piece is [1, c, length, w]. An axis that does
not fit a lane is read in chunks, more than once where a second look needs the result of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from tpuc_bm1684x.isa import Rounding
from tpuc_bm1684x.kernels.base import GlobalKernel
from tpuc_bm1684x.kernels.constants import LANES
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand, Rows, Sweep
from tpuc_core.ir import shape_of

WORKING_BYTES = 40 * 1024  # of a lane, for one of the five tensors that live at a time
MOST_LENGTH = 8192  # of a chunk of the axis
LOWEST = -3.4028234663852886e38  # of f32


@dataclass(frozen=True)
class Piece:
    """Some [1, c, length, w] of the elements; `start` and `strides` are those of a tensor where the axis has `length` elements."""

    c: int
    w: int
    outer: int  # the first one, where all of `inner` is behind the axis; else the only one
    inner: int
    is_flat: bool  # c counts `outer`, w is 1

    def view(self, whole: GlobalView, length: int, inner: int, rows: Rows | None = None) -> GlobalView:
        """The piece in a tensor [outer, length, inner], or some of its axis."""
        rows = rows or Rows(0, length)
        start = self.outer * length * inner + self.inner + rows.start * inner
        strides = (0, length, 1, 1) if self.is_flat else (0, self.w, inner, 1)
        return whole.viewed((1, self.c, len(rows), self.w), strides, start)


class AlongAxis(GlobalKernel):
    """A kernel on [outer, length, inner], which `set_axes` finds."""

    outer: int
    length: int
    inner: int

    def set_axes(self, first: int, last: int) -> None:
        """The axes first..last of the input become the middle one."""
        shape = shape_of(self.activations[0])
        self.outer, self.length, self.inner = prod(shape[:first]), prod(shape[first : last + 1]), prod(shape[last + 1 :])

    @property
    def chunks(self) -> list[Rows]:
        """The parts of the axis that are in local memory at a time."""
        return [Rows(start, min(self.length, start + MOST_LENGTH)) for start in range(0, self.length, MOST_LENGTH)]

    def pieces(self) -> Iterator[Piece]:
        """Pieces that fit local memory, each of as many lanes as can be."""
        length = min(self.length, MOST_LENGTH)
        if self.inner == 1:
            slots = max(1, WORKING_BYTES // (-(-length * 4 // 64) * 64))
            for c in range(0, self.outer, slots * LANES):
                yield Piece(min(self.outer - c, slots * LANES), 1, c, 0, is_flat=True)
            return
        width = max(1, min(-(-self.inner // LANES), WORKING_BYTES // (length * 4)))
        for outer in range(self.outer):
            for start in range(0, self.inner, width * LANES):
                lanes = min(LANES, (self.inner - start) // width)
                if lanes:
                    yield Piece(lanes, width, outer, start, is_flat=False)
                rest = min(self.inner - start, width * LANES) - lanes * width
                if rest:
                    yield Piece(1, rest, outer, start + lanes * width, is_flat=False)

    def load(self, engine: Engine, source: GlobalView, piece: Piece, rows: Rows) -> Operand:
        """A chunk of a piece in f32, in a new tensor."""
        return load_f32(engine, piece.view(source, self.length, self.inner, rows))

    def store(self, engine: Engine, out: GlobalView, piece: Piece, rows: Rows, x: Operand) -> None:
        """A chunk of a piece of a result that has the input's shape."""
        store_f32(engine, piece.view(out, self.length, self.inner, rows), x)


def load_f32(engine: Engine, source: GlobalView) -> Operand:
    """A new local tensor in f32."""
    x = engine.local(source.shape, "f32")
    if source.storage == "f32":
        engine.load(x, source)
        return x
    stored = engine.local(source.shape, source.storage)
    engine.load(stored, source)
    engine.cast(x, stored, Rounding.HALF_TO_EVEN)
    return x


def store_f32(engine: Engine, out: GlobalView, x: Operand) -> None:
    """A local tensor in f32 to global memory, in the type that is there."""
    if out.storage != "f32":
        stored = engine.local(out.shape, out.storage)
        engine.cast(stored, x, Rounding.HALF_TO_EVEN)
        x = stored
    engine.store(out, x)


def load_vector(engine: Engine, source: GlobalView, rows: Rows) -> Operand:
    """Some elements of an f32 vector, in every lane: [1, 1, length, 1]."""
    vector = engine.local((1, 1, len(rows), 1), "f32")
    engine.load_to_lanes(vector, source.viewed(vector.shape, (0, 0, 1, 1), rows.start))
    return vector


def maximum(engine: Engine, out: Operand, x: Operand) -> None:
    """The greatest element along h."""
    engine.max_pool(out, x, Sweep((x.shape[2], 1), pad_value=LOWEST))


def total(engine: Engine, out: Operand, x: Operand, factor: float = 1.0) -> None:
    """The sum of x * factor along h."""
    engine.average_pool(out, x, Sweep((x.shape[2], 1)), factor)


def accumulate(engine: Engine, whole: Operand, part: Operand, index: int, instruction: str) -> None:
    """The result of a chunk joins that of the chunks before."""
    if index == 0:
        engine.copy(whole, part)
    else:
        getattr(engine, instruction)(whole, whole, part)
