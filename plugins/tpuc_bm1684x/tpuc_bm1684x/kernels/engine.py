"""The protocol between a tpu op's kernel and what reads it: the chip's instructions, with tensors as operands.

A kernel is written once. `ArrayEngine` computes it on whole arrays (the interpreter), `CommandEngine` writes it as commands
(code generation), `CostEngine` counts its cycles. An operand is a handle of the engine's own kind: a numpy array [n, c, h, w], or
a place in local memory. Handles have `shape`; an axis of size 1 is broadcast in element-wise instructions. A number in
place of a handle is an immediate constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tpuc_bm1684x.isa import Rounding

Shape4 = tuple[int, int, int, int]
Operand = Any  # a handle of the engine, or a number where the instruction takes an immediate


@dataclass(frozen=True)
class Rows:
    """Rows start..stop-1 of a tensor's h axis."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def union(self, other: Rows) -> Rows:
        """The least range that holds both."""
        return Rows(min(self.start, other.start), max(self.stop, other.stop))

    def within(self, other: Rows) -> Rows:
        """This range counted from the start of another."""
        return Rows(self.start - other.start, self.stop - other.start)


@dataclass(frozen=True)
class Sweep:
    """How a kernel of a convolution or pooling moves over its input. Pads are up, down, left, right; sizes are elements."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    insert: tuple[int, int] = (0, 0)
    is_rotated: bool = False
    pad_value: float = 0  # of padding and of inserted cells

    def input_rows(self, rows: Rows, height: int) -> Rows:
        """The input rows, of `height`, that output rows are computed from."""
        first, last = self._span(rows)
        step = self.insert[0] + 1
        return Rows(max(0, -(-first // step)), min(height, last // step + 1))

    def on_rows(self, rows: Rows, height: int) -> Sweep:
        """The same sweep for some output rows over just their input rows: the pads that are left at the top and bottom."""
        first, last = self._span(rows)
        step = self.insert[0] + 1
        given = self.input_rows(rows, height)
        up, down = given.start * step - first, last - (given.stop - 1) * step
        return replace(self, pads=(up, down, *self.pads[2:]))

    def _span(self, rows: Rows) -> tuple[int, int]:
        """First and last row that is touched, in the enlarged input (values inserted) counted before padding."""
        first = rows.start * self.stride[0] - self.pads[0]
        return first, (rows.stop - 1) * self.stride[0] - self.pads[0] + (self.kernel[0] - 1) * self.dilation[0]


@dataclass(frozen=True)
class GlobalView:
    """Elements of a tensor in global memory: its name, the first element, and shape and strides in elements."""

    tensor: str
    storage: str
    shape: Shape4
    strides: Shape4
    offset: int = 0

    @staticmethod
    def whole(tensor: str, storage: str, shape: Sequence[int]) -> GlobalView:
        """All of a compact tensor of four axes."""
        n, c, h, w = shape
        return GlobalView(tensor, storage, (n, c, h, w), (c * h * w, h * w, w, 1))

    def part(self, start: Sequence[int], stop: Sequence[int], step: Sequence[int] = (1, 1, 1, 1)) -> GlobalView:
        """The box start..stop-1, every step-th element."""
        shape = tuple(max(0, -(-(b - a) // s)) for a, b, s in zip(start, stop, step))
        offset = self.offset + sum(a * stride for a, stride in zip(start, self.strides))
        strides = tuple(s * stride for s, stride in zip(step, self.strides))
        return replace(self, shape=shape, strides=strides, offset=offset)

    def rows(self, rows: Rows) -> GlobalView:
        """Some rows of every channel."""
        n, c, _, w = self.shape
        return self.part((0, 0, rows.start, 0), (n, c, rows.stop, w))

    def images(self, start: int, stop: int) -> GlobalView:
        """Some images of a batch."""
        return self.part((start, 0, 0, 0), (stop, *self.shape[1:]))

    def viewed(self, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> GlobalView:
        """The same tensor with other axes; `offset` is added."""
        return replace(self, shape=tuple(shape), strides=tuple(strides), offset=self.offset + offset)


class Engine(Protocol):
    """The instructions. `out` comes first; shapes are [n, c, h, w]; errors of shapes are the kernels' own bugs."""

    # memory
    def scope(self) -> AbstractContextManager[None]:
        """Local tensors that are made inside are freed at its end."""
        ...

    def local(self, shape: Shape4, storage: str) -> Operand:
        """A new tensor in local memory, aligned layout, content undefined. `storage` is "f32", "f16", "bf16", "i8", "u8", "i16", "i32"."""
        ...

    def rows(self, x: Operand, rows: Rows) -> Operand: ...
    def images(self, x: Operand, start: int, stop: int) -> Operand: ...
    def channels(self, x: Operand, start: int, stop: int) -> Operand:
        """Channels of one image; start is a multiple of 64."""
        ...

    def window(self, x: Operand, rows: slice, columns: slice) -> Operand:
        """Some rows and columns, by Python slices with positive steps."""
        ...

    def reinterpreted(self, x: Operand, storage: str) -> Operand:
        """The same bits under another type of the same size."""
        ...

    def load(self, out: Operand, source: GlobalView) -> None:
        """Global to local memory, element by element in n, c, h, w order."""
        ...

    def load_to_lanes(self, out: Operand, source: GlobalView) -> None:
        """Channel 0 of the source to every channel of `out`."""
        ...

    def store(self, destination: GlobalView, x: Operand) -> None: ...
    def copy_global(self, destination: GlobalView, source: GlobalView) -> None:
        """Global to global memory, element k to element k; shapes may differ where sizes agree."""
        ...

    def transpose_global(self, destination: GlobalView, source: GlobalView) -> None:
        """destination[n, w, h, c] = source[n, c, h, w]."""
        ...

    def fill_global(self, destination: GlobalView, value: float) -> None: ...

    # convolution and pooling
    def conv(self, out: Operand, x: Operand, weight: Operand, bias: Operand | None, sweep: Sweep, *, is_added: bool = False,
             zero_point: int = 0) -> None:
        """A float type -> the same, with an f32 bias per channel, or 8 bits -> i32 without bias; `is_added` adds to the old `out`,
        `zero_point` is that of an 8-bit weight."""
        ...

    def depthwise(self, out: Operand, x: Operand, weight: Operand, bias: Operand | None, sweep: Sweep) -> None:
        """Channel by channel; a float type -> the same, with a bias of that type, or 8 bits -> i32 with an i32 bias per channel."""
        ...

    def max_pool(self, out: Operand, x: Operand, sweep: Sweep) -> None: ...
    def average_pool(self, out: Operand, x: Operand, sweep: Sweep, multiplier: float) -> None:
        """Sum of x * multiplier; a float type -> the same, or 8 bits -> i32."""
        ...

    # element by element
    def add(self, out: Operand, a: Operand, b: Operand) -> None: ...
    def sub(self, out: Operand, a: Operand, b: Operand) -> None: ...
    def mul(self, out: Operand, a: Operand, b: Operand) -> None: ...
    def div(self, out: Operand, a: Operand, b: Operand) -> None: ...
    def max(self, out: Operand, a: Operand, b: Operand) -> None: ...
    def min(self, out: Operand, a: Operand, b: Operand) -> None: ...
    def abs(self, out: Operand, x: Operand) -> None: ...
    def copy(self, out: Operand, x: Operand) -> None: ...
    def cast(self, out: Operand, x: Operand, rounding: Rounding) -> None: ...
    def add_saturated(self, out: Operand, a: Operand, b: Operand, shift: int = 0) -> None:
        """Integers; the exact sum, shifted left, saturated to the type of `out`."""
        ...

    def mul_shift(self, out: Operand, a: Operand, b: Operand, shift: int, rounding: Rounding) -> None:
        """Integers; a * b / 2^-shift (shift is negative to the right), rounded, saturated to the type of `out`."""
        ...

    def requantize(self, out: Operand, x: Operand, parameters: Operand | tuple[int, int, int], rounding: Rounding) -> None:
        """x * multiplier / 2^-shift + zero point, saturated; the three as constants or as i32 [c, 3]."""
        ...

    def requantize_float(self, out: Operand, x: Operand, scale: float, offset: float) -> None:
        """x * scale + offset in f32, rounded half away from zero, saturated."""
        ...

    def dequantize(self, out: Operand, x: Operand, scale: float, zero_point: int) -> None:
        """(x - zero_point) * scale in f32."""
        ...

    def dequantize_int(self, out: Operand, x: Operand, multiplier: int, shift: int, zero_point: int, rounding: Rounding) -> None:
        """(x - zero_point) * multiplier / 2^-shift of 8 bits, saturated to the type of `out`, i16 or i32."""
        ...

    def taylor(self, out: Operand, x: Operand, coefficients: Operand) -> None: ...
    def rsqrt(self, out: Operand, x: Operand) -> None: ...
    def static_table(self, out: Operand, offset_bytes: int) -> None:
        """A vector of the chip's static memory, [1, c, 1, w], the same for every channel."""
        ...

    def table(self, out: Operand, x: Operand, table: Operand) -> None:
        """out = table[x], x as an unsigned byte."""
        ...

    def greater(self, out: Operand, a: Operand, b: Operand, value: float = 1.0) -> None:
        """a > b ? value : 0."""
        ...

    def choose(self, out: Operand, a: Operand, b: Operand, yes: Operand, no: Operand) -> None:
        """a > b ? yes : no."""
        ...

    def exponent(self, out: Operand, x: Operand) -> None:
        """The exponent field of f32 as i32, plus 1 where x is positive and its fraction above that of 4/3."""
        ...

    # matrices
    def matmul(self, out: Operand, left: Operand, right: Operand, last: int, bias: Operand | None = None, *, is_added: bool = False) -> None:
        """left [rows, inner] * right [inner, columns], f32 -> f32, on top of one row `bias`, or 8 bits -> i32. A row lies over the lanes: matrices are [rows, pieces,
        1, width]; the last piece of a row of `left` has `last` elements. f32: `is_added` adds to the old `out`."""
        ...
