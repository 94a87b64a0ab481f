"""Ops that move values without changing them."""

from __future__ import annotations

import numpy as np
from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import (
    Shape,
    Shapes,
    TensorOp,
    UnaryOp,
    Values,
    default,
    operand,
    operands,
    optional,
    optional_operand,
    required,
    result,
    results,
    slot,
)
from tpuc_core.ir.dialects.kinds import BOOL, F64, I64, I64S, SI32, one_of
from tpuc_core.ir.dialects.top.words import ROUND_MODE, FusesRelu, broadcast, normalized_axis

# An end or a size that is "as far as it goes" is written as one of the largest integers.
OPEN_END = 2**63 - 1


@irdl_op_definition
class ConcatOp(FusesRelu):
    """The tensors one behind the other along axis. Source: ONNX Concat, TFLite CONCATENATION, Caffe Concat."""

    name = "top.Concat"
    inputs = operands()
    output = result()
    axis = default(SI32, 1)
    only_merge = default(BOOL, False)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        axis = normalized_axis(self, self.get("axis"), len(shapes[0]))
        self.set(axis=axis)
        first = shapes[0]
        for shape in shapes[1:]:
            if len(shape) != len(first) or any(a != b for i, (a, b) in enumerate(zip(shape, first)) if i != axis):
                raise self.error(f"{list(shape)} does not fit behind {list(first)} along axis {axis}")
        return [(*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])]


@irdl_op_definition
class SplitOp(TensorOp):
    """A tensor cut along axis into num parts, of split_size each or alike. Source: ONNX Split, TFLite SPLIT."""

    name = "top.Split"
    input = operand()
    outputs = results()
    axis = required(SI32)
    num = required(I64)
    split_size = optional(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        shape, num = shapes[0], self.get("num")
        axis = normalized_axis(self, self.get("axis"), len(shape))
        part = -(-shape[axis] // num)
        sizes = self.get("split_size") or [part] * (num - 1) + [shape[axis] - part * (num - 1)]
        if len(sizes) != num or sum(sizes) != shape[axis] or len(self.results) != num:
            raise self.error(f"parts of {sizes} do not make up the {shape[axis]} of axis {axis}")
        self.set(axis=axis, split_size=sizes)
        return [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]


@irdl_op_definition
class SliceOp(TensorOp):
    """x[offset:ends:steps] in every dimension, or in those of axes. Source: ONNX Slice, TFLite STRIDED_SLICE, Caffe Slice and Crop."""

    name = "top.Slice"
    input = operand()
    offsetT = slot()
    endsT = slot()
    stepsT = slot()
    output = result()
    axes = default(I64S, [])
    ends = required(I64S)
    hasparamConvert_axes = default(I64S, [])
    offset = required(I64S)
    steps = required(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        self._spread_over_all_axes(shapes[0])
        ranges = [
            range(*slice(begin, None if end < 0 and step < 0 and end == -OPEN_END - 1 else end, step).indices(n))
            for n, begin, end, step in zip(shapes[0], self.get("offset"), self.get("ends"), self.get("steps"))
        ]
        if not all(ranges):
            raise self.error(f"nothing of {list(shapes[0])} lies between {self.get('offset')} and {self.get('ends')}")
        return [tuple(len(r) for r in ranges)]

    def _spread_over_all_axes(self, shape: Shape) -> None:
        axes = self.get("axes")
        if not axes:
            if len(self.get("offset")) != len(shape):
                raise self.error(f"{len(self.get('offset'))} offsets for a tensor of shape {list(shape)}")
            return
        offset, ends, steps = [0] * len(shape), list(shape), [1] * len(shape)
        for i, axis in enumerate(axes):
            axis = normalized_axis(self, axis, len(shape))
            offset[axis], ends[axis], steps[axis] = self.get("offset")[i], self.get("ends")[i], self.get("steps")[i]
        self.set(offset=offset, ends=ends, steps=steps, axes=[], hasparamConvert_axes=axes)


@irdl_op_definition
class StridedSliceOp(TensorOp):
    """x[starts:ends:strides] with TensorFlow's masks, one bit a dimension: open begin, open end, dimension dropped.

    Source: TFLite STRIDED_SLICE.
    """

    name = "top.StridedSlice"
    input = operand()
    starts = operand()
    ends = operand()
    strides = operand()
    output = result()
    begin_mask = required(I64)
    ellipsis_mask = required(I64)
    end_mask = required(I64)
    new_axis_mask = required(I64)
    shrink_axis_mask = required(I64)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        if self.get("ellipsis_mask") or self.get("new_axis_mask"):
            raise self.error("masks for ellipses and new axes are not supported")
        if len(weights) < 4 or any(w is None for w in weights[1:4]):
            raise self.error("starts, ends and strides must be constants")
        sizes = []
        for i, n in enumerate(shapes[0]):
            begin, end, step = (int(w.ravel()[i]) if i < w.size else default for w, default in zip(weights[1:4], (0, n, 1)))
            if self._has_bit("shrink_axis_mask", i):
                continue
            begin = None if self._has_bit("begin_mask", i) else begin
            end = None if self._has_bit("end_mask", i) else end
            sizes.append(len(range(*slice(begin, end, step).indices(n))))
        return [tuple(sizes) or (1,)]

    def _has_bit(self, mask: str, axis: int) -> bool:
        return bool(self.get(mask) >> axis & 1)


@irdl_op_definition
class PadOp(TensorOp):
    """A tensor with margins, all begins before all ends in paddings. Source: ONNX Pad, TFLite PAD."""

    name = "top.Pad"
    input = operand()
    paddingsT = optional_operand()
    output = result()
    mode = required(one_of("constant", "reflect", "symmetric", "edge"))
    paddings = required(I64S)
    val = default(F64, 0.0)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        shape, paddings = shapes[0], self.get("paddings")
        if len(paddings) != 2 * len(shape):
            raise self.error(f"{len(paddings)} paddings for a tensor of shape {list(shape)}")
        return [tuple(n + paddings[i] + paddings[i + len(shape)] for i, n in enumerate(shape))]


@irdl_op_definition
class ReshapeOp(TensorOp):
    """The same values in the same order in another shape; -1 in shape is what remains, 0 the input's extent.

    Source: ONNX Reshape and Flatten, TFLite RESHAPE, Caffe Reshape.
    """

    name = "top.Reshape"
    input = operand()
    shapeT = optional_operand()
    output = result()
    flatten_start_dim = default(I64, -1)
    shape = optional(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        wanted = self.get("shape")
        if not wanted and len(weights) > 1 and weights[1] is not None:
            wanted = [int(n) for n in weights[1].ravel()]
        if wanted is None:
            raise self.error("its shape is not a constant")
        count = int(np.prod(shapes[0]))
        sizes = [shapes[0][i] if n == 0 and i < len(shapes[0]) else n for i, n in enumerate(wanted)]
        if -1 in sizes:
            known = int(np.prod([n for n in sizes if n != -1]))
            sizes[sizes.index(-1)] = count // known if known else 0
        if int(np.prod(sizes)) != count:
            raise self.error(f"{list(shapes[0])} does not have the elements of {wanted}")
        self.set(shape=sizes or [1])
        return [tuple(sizes) or (1,)]


@irdl_op_definition
class FlattenOp(TensorOp):
    """The dimensions from start_dim to end_dim made one. Source: ONNX Flatten."""

    name = "top.Flatten"
    input = operand()
    output = result()
    end_dim = default(I64, -1)
    start_dim = default(I64, 0)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        shape = shapes[0]
        first = normalized_axis(self, self.get("start_dim"), len(shape) + 1)
        last = normalized_axis(self, self.get("end_dim"), len(shape))
        return [(*shape[:first], int(np.prod(shape[first : last + 1])), *shape[last + 1 :])]


@irdl_op_definition
class SqueezeOp(TensorOp):
    """A tensor without some dimensions of extent 1, without all of them where axes is empty. Source: ONNX Squeeze, TFLite SQUEEZE."""

    name = "top.Squeeze"
    input = operand()
    output = result()
    axes = required(I64S)
    is_scalar = default(BOOL, False)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        shape = shapes[0]
        axes = [normalized_axis(self, axis, len(shape)) for axis in self.get("axes")]
        axes = axes or [i for i, n in enumerate(shape) if n == 1]
        if any(shape[i] != 1 for i in axes):
            raise self.error(f"dimensions {axes} of {list(shape)} are not all 1")
        rest = tuple(n for i, n in enumerate(shape) if i not in axes)
        self.set(axes=axes, is_scalar=self.get("is_scalar") or not rest)
        return [rest or (1,)]


@irdl_op_definition
class UnsqueezeOp(TensorOp):
    """A tensor with new dimensions of extent 1, at axes of the result. Source: ONNX Unsqueeze, TFLite EXPAND_DIMS."""

    name = "top.Unsqueeze"
    input = operand()
    output = result()
    axes = required(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        rank = len(shapes[0]) + len(self.get("axes"))
        axes = sorted(normalized_axis(self, axis, rank) for axis in self.get("axes"))
        rest = iter(shapes[0])
        self.set(axes=axes)
        return [tuple(1 if i in axes else next(rest) for i in range(rank))]


@irdl_op_definition
class PermuteOp(TensorOp):
    """Dimension i of the result is dimension order[i] of the input. Source: ONNX Transpose, TFLite TRANSPOSE, Caffe Permute."""

    name = "top.Permute"
    input = operand()
    output = result()
    order = required(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        order = self.get("order") or list(range(len(shapes[0])))[::-1]
        if sorted(order) != list(range(len(shapes[0]))):
            raise self.error(f"{order} does not order the dimensions of {list(shapes[0])}")
        self.set(order=order)
        return [tuple(shapes[0][i] for i in order)]


@irdl_op_definition
class TileOp(TensorOp):
    """A tensor repeated tile[i] times along dimension i. Source: ONNX Tile, TFLite TILE, Caffe Tile."""

    name = "top.Tile"
    input = operand()
    tileT = optional_operand()
    output = result()
    tile = optional(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        tile = self.get("tile")
        if not tile and len(weights) > 1 and weights[1] is not None:
            tile = [int(n) for n in weights[1].ravel()]
        if not tile or len(tile) != len(shapes[0]):
            raise self.error(f"{tile} does not say how often to repeat {list(shapes[0])}")
        return [tuple(n * times for n, times in zip(shapes[0], tile))]


@irdl_op_definition
class ExpandOp(TensorOp):
    """A tensor broadcast to a shape. Source: ONNX Expand."""

    name = "top.Expand"
    input = operand()
    shapeT = optional_operand()
    output = result()
    shape = default(I64S, [])

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        shape = self.get("shape")
        if not shape and len(weights) > 1 and weights[1] is not None:
            shape = [int(n) for n in weights[1].ravel()]
        return [broadcast(self, [shapes[0], tuple(shape)])]


@irdl_op_definition
class ReverseOp(UnaryOp):
    """A tensor read backwards along axis. Source: ONNX ReverseSequence, Caffe Reverse."""

    name = "top.Reverse"
    axis = required(I64)


@irdl_op_definition
class TriluOp(UnaryOp):
    """The last two dimensions as matrices, with zeros below (upper 1) or above (upper 0) a diagonal. Source: ONNX Trilu."""

    name = "top.Trilu"
    diagonal = required(SI32)
    upper = required(SI32)
