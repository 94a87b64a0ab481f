"""What takes elements by indices. Constant indices are slices side by side, or a product with a matrix of one 1 in each column; computed
ones become such a matrix on the chip, by comparing them with 0, 1, 2, ..."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.chain import Chain
from tpuc_bm1684x.lowering.registry import HALVES, lowers
from tpuc_core.ir import is_weight, quantization_of, shape_of, storage_of, tensor_name, tensor_type, tpu, with_shape
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

MOST_SLICES = 16
"""More runs of indices than this are a product, in floats."""


def _axis(op: TensorOp) -> int:
    return op.get("axis") % len(shape_of(op.operands[0]))


def _is_constant_choice(op: TensorOp) -> bool:
    return is_weight(op.operands[1])


def _obstacle(op: TensorOp) -> str | None:
    return "elements of a constant by constant indices" if is_weight(op.operands[0]) and is_weight(op.operands[1]) else None


def _narrow_obstacle(op: TensorOp) -> str | None:
    return _obstacle(op) if _is_constant_choice(op) else "computed indices, for which 16 bits are too few"


def _integer_obstacle(op: TensorOp) -> str | None:
    return _obstacle(op) if _is_constant_choice(op) else "indices that are no constant"


@lowers("Gather", precision=Precision.F32, unless=_obstacle)
@lowers("Gather", precision=HALVES, unless=_narrow_obstacle)
def gather_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    if not _is_constant_choice(op):
        return _by_computed_matrix(op, lowering)
    indices = _constant_indices(op, lowering)
    slices = runs_of(indices)
    if len(slices) <= MOST_SLICES:
        return _side_by_side(op, lowering, lowering.real(op.operands[0], op), slices)
    return _by_matrix(op, lowering, indices)


@lowers("Gather", precision=Precision.INT8, unless=_integer_obstacle)
def gather_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    x = lowering.quantized(op.operands[0], op, lowering.quantization(op))
    return _side_by_side(op, lowering, x, runs_of(_constant_indices(op, lowering)))


def _constant_indices(op: TensorOp, lowering: Lowering) -> np.ndarray:
    size = shape_of(op.operands[0])[_axis(op)]
    return np.rint(lowering.model.weight(op.operands[1])).reshape(-1).astype(np.int64) % size


def runs_of(indices: Sequence[int]) -> list[tuple[int, int, int]]:
    """First index, number and step of parts of evenly spaced indices, steps above 0."""
    runs: list[list[int]] = [[int(indices[0]), 1, 1]]
    for before, index in pairwise(int(i) for i in indices):
        start, count, step = runs[-1]
        if index - before > 0 and (count == 1 or index - before == step):
            runs[-1] = [start, count + 1, index - before]
        else:
            runs.append([index, 1, 1])
    return [(start, count, step) for start, count, step in runs]


def _side_by_side(op: TensorOp, lowering: Lowering, x: SSAValue, runs: Sequence[tuple[int, int, int]]) -> SSAValue:
    """A Slice for each run, and a Concat of them."""
    shape, axis, none, name = shape_of(x), _axis(op), lowering.none(op), tensor_name(op.results[0])
    parts = []
    for number, (start, count, step) in enumerate(runs):
        cut, offset, steps = list(shape), [0] * len(shape), [1] * len(shape)
        cut[axis], offset[axis], steps[axis] = count, start, step
        ends = [n if i != axis else start + (count - 1) * step + 1 for i, n in enumerate(shape)]
        parts.append(lowering.emit(op, tpu.SliceOp, [x, none, none, none, none], with_shape(x.type, cut), name=f"{name}_part{number}",
                                   offset=offset, steps=steps, ends=ends))
    if len(parts) > 1:
        whole = (*shape[:axis], sum(count for _, count, _ in runs), *shape[axis + 1 :])
        parts = [lowering.emit(op, tpu.ConcatOp, parts, with_shape(x.type, whole), name=f"{name}_parts", axis=axis)]
    result_shape, quantization = shape_of(op.results[0]), quantization_of(x)
    result_type = tensor_type(result_shape, storage_of(x)) if quantization is None else tensor_type(result_shape, quantization=quantization)
    return lowering.emit(op, tpu.ReshapeOp, parts, result_type, shape=list(result_shape))


def _by_matrix(op: TensorOp, lowering: Lowering, indices: np.ndarray) -> SSAValue:
    """The axis becomes the last one, and its cells are multiplied with `OP_selection` [cells, indices]."""
    shape, axis = shape_of(op.operands[0]), _axis(op)
    selection = np.zeros((shape[axis], indices.size), np.float32)
    selection[indices, np.arange(indices.size)] = 1
    outer, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    if inner > 1:
        chain.reshape(outer, shape[axis], inner).permute(0, 2, 1)
    chain.reshape(outer * inner, shape[axis]).multiply(selection, "selection")
    if inner > 1:
        chain.reshape(outer, inner, indices.size).permute(0, 2, 1)
    return chain.end_with_reshape()


def _chosen(chain: Chain, size: int) -> Chain:
    """Indices [..., 1] become 1 at their place and 0 elsewhere, [..., size]; negative ones count from the end."""
    lowering, op, indices = chain.lowering, chain.op, chain.value
    shape = shape_of(indices)
    chain.add(tpu.CompareConstOp, shape, mode="Less", const_val=0.0, inversed=False).scale(float(size)).add(tpu.AddOp, shape, indices)
    places = lowering.weight(op, "places", np.arange(size, dtype=np.float32), "f32")
    return chain.add(tpu.CompareOp, (*shape[:-1], size), places, mode="Equal")


def _by_computed_matrix(op: TensorOp, lowering: Lowering) -> SSAValue:
    """[indices, cells], 1 where they meet, times the cells of each of `outer`."""
    shape, axis, none = shape_of(op.operands[0]), _axis(op), lowering.none(op)
    outer, size, inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    count = prod(shape_of(op.operands[1]))
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    if is_weight(op.operands[0]):
        cells = lowering.weight(op, "cells", lowering.model.weight(op.operands[0]).reshape(outer, size, inner), "f32")
    else:
        cells = chain.reshape(outer, size, inner).value
    chain.value = lowering.real(op.operands[1], op)
    _chosen(chain.reshape(count, 1), size)
    return chain.add(tpu.MatMulOp, (outer, count, inner), cells, none, none, none).end_with_reshape()


def _elements_obstacle(op: TensorOp) -> str | None:
    if is_weight(op.operands[0]) or is_weight(op.operands[1]):
        return "elements of a constant, or by constant indices"
    given, wanted, axis = shape_of(op.operands[0]), shape_of(op.operands[1]), _axis(op)
    is_whole = all(n == m for i, (n, m) in enumerate(zip(given, wanted)) if i != axis)
    return None if is_whole else "indices for a part of the input"


@lowers("GatherElements", precision=Precision.F32, unless=_elements_obstacle)
def gather_elements_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """For every row along the axis [indices, cells], 1 where they meet, times the row, summed."""
    shape, axis = shape_of(op.operands[0]), _axis(op)
    size, count = shape[axis], shape_of(op.operands[1])[axis]
    others = [i for i in range(len(shape)) if i != axis]
    rows = prod(shape[i] for i in others)
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    cells = chain.permute(*others, axis).reshape(rows, 1, size).value
    chain.value = lowering.real(op.operands[1], op)
    _chosen(chain.permute(*others, axis).reshape(rows, count, 1), size).add(tpu.MulOp, (rows, count, size), cells)
    chain.reduce([2], "ReduceSum").reshape(*(shape[i] for i in others), count)
    back = [others.index(i) if i != axis else len(others) for i in range(len(shape))]
    return chain.permute(*back).end_with_reshape()
