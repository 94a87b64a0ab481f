"""tpu ops that move elements: reshapes, concatenation, slices, transposes, padding, upsampling."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tpuc_bm1684x.kernels.base import AliasKernel, GlobalKernel, LocalKernel, Slice, register, source_of
from tpuc_bm1684x.kernels.constants import FLOATS, LANES, STORAGE
from tpuc_bm1684x.kernels.conv2d import relu
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand, Rows
from tpuc_bm1684x.kernels.stored import limit_stored
from tpuc_core.errors import TpucError
from tpuc_core.ir import is_none, quantization_of, shape_of

MOST_SIZE = 65535  # elements of an axis of a transfer
MOST_W_STRIDE_BYTES = 128  # between neighbours of a row: the device's limit, which the C model does not check
SHORT_BYTES = 256  # a transfer of less counts as so much
TILE_BYTES = 48 * 1024  # of a lane, for rows that are put together there
PAD_MODES = ("constant", "reflect", "symmetric", "edge")
Axis = tuple[int, int, int]  # size, stride in the destination, stride in the source; in elements


def compact_strides(shape: Sequence[int]) -> list[int]:
    """Strides in elements of a compact tensor."""
    return [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """The same elements in the same order with as few axes as can be."""
    result: list[Axis] = []
    for size, to, of in axes:
        if size == 1:
            continue
        if result and result[-1][1] == size * to and result[-1][2] == size * of:
            result[-1] = (result[-1][0] * size, to, of)
        else:
            result.append((size, to, of))
    return result or [(1, 1, 1)]


def copy_elements(engine: Engine, out: GlobalView, source: GlobalView, axes: Sequence[Axis], to_offset: int = 0, of_offset: int = 0) -> None:
    """Copy a box of any number of axes of any size inside global memory; what one transfer cannot take is a loop."""
    axes = merged(axes)
    backwards = next((axis for axis in axes if min(axis[1:]) < 0), None)
    if backwards is not None:
        others = [axis for axis in axes if axis is not backwards]
        for i in range(backwards[0]):
            copy_elements(engine, out, source, others, to_offset + i * backwards[1], of_offset + i * backwards[2])
        return
    for index, (size, to, of) in enumerate(axes):
        if size > MOST_SIZE:
            before, behind = axes[:index], axes[index + 1 :]
            width = next((w for w in range(MOST_SIZE, MOST_SIZE // 16, -1) if size % w == 0), MOST_SIZE)
            whole = size // width * width
            _copy_box(engine, out, source, [*before, (size // width, width * to, width * of), (width, to, of), *behind], to_offset, of_offset)
            if whole < size:
                copy_elements(engine, out, source, [*before, (size - whole, to, of), *behind], to_offset + whole * to, of_offset + whole * of)
            return
    _copy_box(engine, out, source, axes, to_offset, of_offset)


def _copy_box(engine: Engine, out: GlobalView, source: GlobalView, axes: Sequence[Axis], to_offset: int, of_offset: int) -> None:
    """The same for axes of sizes that fit. Where different axes are contiguous, the transfer turns them around."""
    turned = _turned(axes)
    most = MOST_W_STRIDE_BYTES // STORAGE[out.storage].itemsize
    if turned is None and (min(axes[-1][1:]) < 1 or max(axes[-1][1:]) > most):
        axes = [*axes, (1, 1, 1)]
    ordered = [(1, 0, 0)] * 3 + list(turned or axes)
    loops, inner = ordered[:-4], ordered[-4:]
    shape, to_strides, of_strides = zip(*inner)
    for index in itertools.product(*(range(size) for size, _, _ in loops)):
        to_start = to_offset + sum(i * to for i, (_, to, _) in zip(index, loops))
        of_start = of_offset + sum(i * of for i, (_, _, of) in zip(index, loops))
        if turned is None:
            engine.copy_global(out.viewed(shape, to_strides, to_start), source.viewed(shape, of_strides, of_start))
        else:
            n, c, h, w = range(4)
            target = out.viewed([shape[i] for i in (n, w, h, c)], [to_strides[i] for i in (n, w, h, c)], to_start)
            engine.transpose_global(target, source.viewed(shape, of_strides, of_start))


def fill_elements(engine: Engine, out: GlobalView, count: int, value: float) -> None:
    """Set the first elements of a compact tensor."""
    rows = count // MOST_SIZE
    for start, shape in ((0, (1, 1, rows, MOST_SIZE)), (rows * MOST_SIZE, (1, 1, 1, count % MOST_SIZE))):
        if np.prod(shape):
            engine.fill_global(out.viewed(shape, (0, 0, MOST_SIZE, 1), start), value)


def _turned(axes: Sequence[Axis]) -> list[Axis] | None:
    """The axes in the order of a c-w transpose's source, [..., n, c, h, w], where the axis that is contiguous in the source is
    not the one that is contiguous in the destination; else None."""
    to_axis, of_axis = (next((a for a in axes if a[side] == 1 and a[0] > 1), None) for side in (1, 2))
    if to_axis is None or of_axis is None or to_axis is of_axis:
        return None
    others = [(1, 0, 0), (1, 0, 0), *(a for a in axes if a is not to_axis and a is not of_axis)]
    return [*others[:-1], to_axis, others[-1], of_axis]


@register("tpu.Reshape")
@register("tpu.Squeeze")
@register("tpu.Unsqueeze")
class Reshape(AliasKernel):
    """Another shape of the same elements."""


@register("tpu.Concat")
class Concat(GlobalKernel):
    """Inputs side by side along an axis; constants are read like activations. Many short pieces are put together in local memory, which
    moves whole rows; others are copied inside global memory."""

    def prepare(self) -> None:
        quantization = quantization_of(self.out)
        is_saturated = quantization is not None and quantization.zero_point == quantization.limits[0]
        if self.op.get("do_relu") and not is_saturated:
            raise TpucError(f'"{self.name}": a Concat on bm1684x has no Relu in it; write a tpu.Relu behind it')
        self.activations = [source_of(v) for v in self.op.operands if not is_none(v)]

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        shape = shape_of(self.out)
        axis = self.op.get("axis") % len(shape)
        outer, behind = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
        blocks = [shape_of(value)[axis] * behind for value in self.activations]
        size = STORAGE[out.storage].itemsize
        if min(blocks) * size <= SHORT_BYTES and outer >= LANES and sum(blocks) * size <= TILE_BYTES:
            self._emit_by_rows(engine, out, inputs, outer, blocks)
            return
        start = 0
        for view, block in zip(inputs, blocks):
            copy_elements(engine, out, view, [(outer, sum(blocks), block), (block, 1, 1)], start)
            start += block

    def _emit_by_rows(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], outer: int, blocks: Sequence[int]) -> None:
        total = sum(blocks)
        for first, lanes, rows in row_tiles(outer, max(1, TILE_BYTES // (total * STORAGE[out.storage].itemsize))):
            with engine.scope():
                whole = engine.local((1, lanes, rows, total), out.storage)
                start = 0
                for view, block in zip(inputs, blocks):
                    part = engine.local((1, lanes, rows, block), out.storage)
                    engine.load(part, view.viewed(part.shape, (0, rows * block, block, 1), first * block))
                    engine.copy(engine.window(whole, slice(None), slice(start, start + block)), part)
                    start += block
                engine.store(out.viewed(whole.shape, (0, rows * total, total, 1), first * total), whole)


def row_tiles(count: int, most: int) -> Iterator[tuple[int, int, int]]:
    """First row, lanes and rows of a lane, at most so many, of tiles that follow each other."""
    first = 0
    while first < count:
        rows = min(most, -(-(count - first) // LANES))
        lanes = min(LANES, (count - first) // rows)
        yield first, lanes, rows
        first += lanes * rows


@register("tpu.Slice")
class SliceKernel(GlobalKernel):
    """A box of the input, every step-th element along each axis; backwards where the step is negative."""

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        shape, source_shape = shape_of(self.out), shape_of(self.activations[0])
        offsets, steps = self.op.get("offset"), self.op.get("steps")
        starts = [min(max(o + n if o < 0 else o, 0), n if step > 0 else n - 1) for o, n, step in zip(offsets, source_shape, steps)]
        to, of = compact_strides(shape), compact_strides(source_shape)
        axes = [(n, t, f * step) for n, t, f, step in zip(shape, to, of, steps)]
        copy_elements(engine, out, inputs[0], axes, 0, sum(s * f for s, f in zip(starts, of)))


@register("tpu.Reverse")
class Reverse(GlobalKernel):
    """The elements of an axis in reverse order."""

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        shape = shape_of(self.out)
        axis, strides = self.op.get("axis") % len(shape), compact_strides(shape)
        axes = [(n, s, -s if i == axis else s) for i, (n, s) in enumerate(zip(shape, strides))]
        copy_elements(engine, out, inputs[0], axes, 0, (shape[axis] - 1) * strides[axis])


@register("tpu.Permute")
class Permute(GlobalKernel):
    """Axes in another order."""

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        of = compact_strides(shape_of(self.activations[0]))
        shape = shape_of(self.out)
        copy_elements(engine, out, inputs[0], [(n, t, of[i]) for n, t, i in zip(shape, compact_strides(shape), self.op.get("order"))])


@register("tpu.Pad")
class Pad(GlobalKernel):
    """A border of a constant, or of the elements inside: mirrored (reflect, symmetric) or the outermost one (edge)."""

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        shape, source_shape = shape_of(self.out), shape_of(self.activations[0])
        paddings, mode = self.op.get("paddings"), self.op.get("mode")
        if mode not in PAD_MODES or min(paddings) < 0:
            raise TpucError(f'"{self.name}": padding on bm1684x is one of {", ".join(PAD_MODES)} and not negative; this one is mode "{mode}", {paddings}')
        if mode == "constant":
            fill_elements(engine, out, int(np.prod(shape)), self.op.get("val"))
        to = compact_strides(shape)
        axes = list(zip(source_shape, to, compact_strides(source_shape)))
        copy_elements(engine, out, inputs[0], axes, sum(p * t for p, t in zip(paddings, to)))
        if mode != "constant":
            for axis, size in enumerate(source_shape):
                self._copy_border(engine, out, axis, size)

    def _copy_border(self, engine: Engine, out: GlobalView, axis: int, size: int) -> None:
        """The border along one axis, from the result: axes before it have theirs, those behind it have it copied later."""
        shape, paddings, mode = shape_of(self.out), self.op.get("paddings"), self.op.get("mode")
        rank, to = len(shape), compact_strides(shape)
        before, after = paddings[axis], paddings[rank + axis]
        whole = [*shape[: axis + 1], *(n - paddings[i] - paddings[rank + i] for i, n in enumerate(shape) if i > axis)]
        start = sum(paddings[i] * to[i] for i in range(axis + 1, rank))
        axes = [(n, t, t) for i, (n, t) in enumerate(zip(whole, to)) if i != axis]
        for step in range(1, max(before, after) + 1):
            inside = {"reflect": step, "symmetric": step - 1, "edge": 0}[mode]
            for is_wanted, target, source in ((step <= before, before - step, before + inside),
                                              (step <= after, before + size - 1 + step, before + size - 1 - inside)):
                if is_wanted:
                    copy_elements(engine, out, out, axes, start + target * to[axis], start + source * to[axis])


@register("tpu.Depth2Space")
class Depth2Space(GlobalKernel):
    """Blocks of channels become blocks of pixels (CRD or DCR order), or back."""

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        op = self.op
        if not op.get("in_is_NCHW") or not op.get("out_is_NCHW") or op.get("swap_cr"):
            raise TpucError(f'"{self.name}": Depth2Space on bm1684x is on NCHW tensors without swap_cr')
        bh, bw = op.get("block_h"), op.get("block_w")
        deep, wide = (shape_of(self.out), shape_of(self.activations[0])) if op.get("is_inversed") else (shape_of(self.activations[0]), shape_of(self.out))
        n, _, h, w = deep
        c = wide[1]
        plane = h * w
        in_c, in_bh, in_bw = (bh * bw * plane, bw * plane, plane) if op.get("is_CRD") else (plane, bw * c * plane, c * plane)
        sides = [(n, c * bh * bw * plane, bh * bw * c * plane), (c, h * bh * w * bw, in_c), (h, bh * w * bw, w), (bh, w * bw, in_bh), (w, bw, 1), (bw, 1, in_bw)]
        axes = [(size, deep_side, wide_side) for size, wide_side, deep_side in sides] if op.get("is_inversed") else sides
        copy_elements(engine, out, inputs[0], axes)


@register("tpu.ShuffleChannel")
class ShuffleChannel(GlobalKernel):
    """Channels [group, c / group] in the order [c / group, group]."""

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        n, c, *rest = shape_of(self.out)
        plane, group = int(np.prod(rest)), self.op.get("group")
        per = c // group
        copy_elements(engine, out, inputs[0], [(n, c * plane, c * plane), (per, group * plane, plane), (group, plane, per * plane), (plane, 1, 1)])


@register("tpu.Tile")
class Tile(GlobalKernel):
    """The input repeated along its axes."""

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        shape = shape_of(self.out)
        source_shape = shape_of(self.activations[0])
        source_shape = (1,) * (len(shape) - len(source_shape)) + tuple(source_shape)
        to, of = compact_strides(shape), compact_strides(source_shape)
        axes = [axis for n, m, t, f in zip(shape, source_shape, to, of) for axis in ((n // m, m * t, 0), (m, t, f))]
        copy_elements(engine, out, inputs[0], axes)


@register("tpu.Upsample")
class Upsample(LocalKernel):
    """Every pixel becomes a block of scale_h x scale_w pixels."""

    def input_rows(self, index: int, rows: Rows) -> Rows:
        scale = self.op.get("scale_h")
        return Rows(rows.start // scale, (rows.stop - 1) // scale + 1)

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        scale_h, scale_w = self.op.get("scale_h"), self.op.get("scale_w")
        for dy, dx in itertools.product(range(scale_h), range(scale_w)):
            first = part.rows.start + (dy - part.rows.start) % scale_h
            if first >= part.rows.stop:
                continue
            place = engine.window(out, slice(first - part.rows.start, None, scale_h), slice(dx, None, scale_w))
            start = first // scale_h - part.inputs[0].start
            engine.copy(place, engine.rows(inputs[0], Rows(start, start + place.shape[2])))
        if self.out_storage in FLOATS:
            relu(engine, self.op, out)
        else:
            limit_stored(engine, self, out)
