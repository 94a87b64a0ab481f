"""Element-wise ops on shapes that the chip does not see as they are: the same elements under four other axes.

The chip has four axes of at most 65535 elements, and broadcasts along whole axes. An op on [1, 70000] runs on [1, 50, 1, 1400], a sum of
[2, 3, 4, 5, 1] and [2, 3, 4, 5, 6] on [1, 120, 1, 6]; what broadcasts along too many axes is repeated first.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from xdsl.rewriter import InsertPoint, Rewriter

from tpuc_bm1684x.kernels.base import Shape4, shape4
from tpuc_bm1684x.kernels.elementwise import broadcast_axes
from tpuc_core.ir import TensorOp, is_none, is_weight, shape_of, storage_of, tensor_name, tpu, with_shape

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_core.ir import Model

MOST_SIZE = 65535
MOST_CHANNELS, MOST_COLUMNS = 64, 4096  # that a view of one axis has
ONE_OPERAND = {"tpu.Active", "tpu.Relu", "tpu.LeakyRelu", "tpu.Clip", "tpu.Cast", "tpu.MulShift", "tpu.Lut", "tpu.AddConst", "tpu.SubConst",
               "tpu.MulConst", "tpu.MaxConst", "tpu.MinConst", "tpu.Reciprocal", "tpu.CompareConst"}
SEVERAL_OPERANDS = {"tpu.Add", "tpu.Sub", "tpu.Mul", "tpu.Div", "tpu.Max", "tpu.Min", "tpu.Compare", "tpu.Where"}


def fit_views(model: Model) -> None:
    """Give element-wise ops of a lowered model shapes that their kernels take."""
    for op in model.ops():
        if not isinstance(op, TensorOp) or op.name not in ONE_OPERAND | SEVERAL_OPERANDS or is_fitting(op):
            continue
        view = view_of(op)
        if view is None:
            repeat_operands(model, op)
            view = view_of(op)
        if view is not None:
            _apply(model, op, view)


def _operands(op: TensorOp) -> list[int]:
    """Which operands have the axes of the result, or broadcast to them."""
    return [0] if op.name in ONE_OPERAND else [i for i, v in enumerate(op.operands) if not is_none(v)]


def is_fitting(op: TensorOp) -> bool:
    """Whether the op's kernel takes its shapes as they are."""
    out = shape_of(op.results[0])
    fits = [broadcast_axes(shape_of(op.operands[i]), out) is not None for i in _operands(op)]
    return all(fits) and max(shape4(out)) <= MOST_SIZE


def view_of(op: TensorOp) -> tuple[Shape4, dict[int, Shape4]] | None:
    """Four axes for the result and each operand; None where there are none."""
    out, shapes = shape_of(op.results[0]), {i: shape_of(op.operands[i]) for i in _operands(op)}
    aligned = {i: (1,) * (len(out) - len(shape)) + tuple(shape) for i, shape in shapes.items()}
    sizes: list[int] = []
    kinds: list[tuple[bool, ...]] = []
    for axis, size in enumerate(out):
        kind = tuple(shape[axis] == size for shape in aligned.values())
        if size == 1:
            continue
        if kinds and kinds[-1] == kind:
            sizes[-1] *= size
        else:
            sizes.append(size)
            kinds.append(kind)
    found = four_axes(sizes)
    if found is None:
        return None
    view, owners = found
    of_operands = {index: tuple(n if owner < 0 or kinds[owner][k] else 1 for n, owner in zip(view, owners)) for k, index in enumerate(aligned)}
    return view, of_operands  # type: ignore[return-value]


def four_axes(sizes: Sequence[int]) -> tuple[Shape4, tuple[int, ...]] | None:
    """Four axes for so many elements, and of which of the given axes each is a part (-1: of none)."""
    match list(sizes):
        case []:
            return (1, 1, 1, 1), (-1, -1, -1, -1)
        case [one]:
            return _split(one)
        case [a, b] if max(a, b) <= MOST_SIZE:
            return (1, a, 1, b), (-1, 0, -1, 1)
        case [a, b]:
            rows, columns = _factors(b, MOST_COLUMNS) if b > MOST_SIZE else (1, b)
            images, channels = _factors(a, MOST_SIZE) if a > MOST_SIZE else (1, a)
            view = images, channels, rows, columns
            return (view, (0, 0, 1, 1)) if max(view) <= MOST_SIZE else None
        case [a, b, c] if max(a, b, c) <= MOST_SIZE:
            return (a, b, 1, c), (0, 1, -1, 2)
        case [a, b, c, d] if max(a, b, c, d) <= MOST_SIZE:
            return (a, b, c, d), (0, 1, 2, 3)
        case _:
            return None


def _factors(size: int, most: int) -> tuple[int, int]:
    """Two factors, the second the greatest that is at most so much."""
    second = next(n for n in range(min(most, size), 0, -1) if size % n == 0)
    return size // second, second


def _split(size: int) -> tuple[Shape4, tuple[int, ...]] | None:
    """One axis as channels, rows and columns."""
    rest, channels = _factors(size, MOST_CHANNELS)
    rows, columns = _factors(rest, MOST_COLUMNS)
    return ((1, channels, rows, columns), (-1, 0, 0, 0)) if max(rows, columns) <= MOST_SIZE else None


def repeat_operands(model: Model, op: TensorOp) -> None:
    """Operands that broadcast along several axes become as large as the result."""
    out = shape_of(op.results[0])
    for index in _operands(op):
        value = op.operands[index]
        aligned = (1,) * (len(out) - len(shape_of(value))) + tuple(shape_of(value))
        if aligned == out:
            continue
        name = f"{tensor_name(value)}_{tensor_name(op.results[0])}_repeated"
        if is_weight(value):
            repeated = np.ascontiguousarray(np.broadcast_to(model.weight(value), out))
            op.operands[index] = model.add_weight(name, repeated, op, storage_of(value))
            continue
        whole = _reshaped(model, op, value, aligned, f"{tensor_name(value)}_{tensor_name(op.results[0])}_axes")
        operands = [whole, model.none(op)]
        tile = tpu.TileOp.make(name, operands, with_shape(value.type, out), tile=[n // m for n, m in zip(out, aligned)])
        Rewriter.insert_op(tile, InsertPoint.before(op))
        op.operands[index] = tile.results[0]


def _reshaped(model: Model, op: TensorOp, value: SSAValue, shape: Sequence[int], name: str) -> SSAValue:
    """The value in another shape, in front of `op`; a weight becomes another weight."""
    if tuple(shape) == tuple(shape_of(value)):
        return value
    if is_weight(value):
        return model.add_weight(name, model.weight(value).reshape(shape), op, storage_of(value))
    reshape = tpu.ReshapeOp.make(name, [value], with_shape(value.type, shape), shape=list(shape))
    Rewriter.insert_op(reshape, InsertPoint.before(op))
    return reshape.results[0]


def _apply(model: Model, op: TensorOp, view: tuple[Shape4, dict[int, Shape4]]) -> None:
    """The op on other axes, and its result in its own."""
    shape, of_operands = view
    result = op.results[0]
    name, whole = tensor_name(result), prod(shape_of(result))
    operands = list(op.operands)
    for index, operand_shape in of_operands.items():
        operands[index] = _reshaped(model, op, operands[index], operand_shape, f"{tensor_name(operands[index])}_{name}_view")
    assert prod(shape) == whole
    attributes = {key: op.get(key) for key in op.attributes if key in type(op).kinds()}
    viewed = type(op).make(f"{name}_view", operands, with_shape(result.type, shape), **attributes)
    back = tpu.ReshapeOp.make(name, [viewed.results[0]], result.type, shape=list(shape_of(result)))
    for new in (viewed, back):
        Rewriter.insert_op(new, InsertPoint.before(op))
    result.replace_all_uses_with(back.results[0])
    Rewriter.erase_op(op)
