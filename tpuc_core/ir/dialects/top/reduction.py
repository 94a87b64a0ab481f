"""Ops along axes: sums and extremes, softmax, the place of the extreme."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import (
    SameShapeOp,
    Shape,
    Shapes,
    TensorOp,
    UnaryOp,
    Values,
    default,
    operand,
    required,
    result,
    slot,
)
from tpuc_core.ir.dialects.kinds import BOOL, F64, I64, I64S, SI32, one_of
from tpuc_core.ir.dialects.top.words import ROUND_MODE, normalized_axis

_MODES = one_of("ReduceMin", "ReduceMax", "ReduceMean", "ReduceL2", "ReduceL1", "ReduceSum", "ReduceProd")


def _without(shape: Shape, axes: Sequence[int], *, keepdims: bool) -> Shape:
    return tuple(1 if i in axes else n for i, n in enumerate(shape) if keepdims or i not in axes)


@irdl_op_definition
class ReduceOp(TensorOp):
    """Mean, sum, product, least, greatest, sum of |x| or root of the sum of x^2 over axes. Source: ONNX Reduce*, TFLite MEAN, Caffe Reduction."""

    name = "top.Reduce"
    input = operand()
    output = result()
    axes = required(I64S)
    is_scalar = default(BOOL, False)
    keepdims = required(BOOL)
    mode = required(_MODES)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        rank = len(shapes[0])
        axes = sorted(normalized_axis(self, axis, rank) for axis in self.get("axes") or range(rank))
        self.set(axes=axes)
        shape = _without(shapes[0], axes, keepdims=self.get("keepdims"))
        if not shape:
            self.set(is_scalar=True)
        return [shape or (1,)]


@irdl_op_definition
class SoftmaxOp(UnaryOp):
    """y = exp(x - max) / the sum of exp(x - max) over axis, or its logarithm. Source: ONNX Softmax and LogSoftmax, TFLite SOFTMAX, Caffe Softmax."""

    name = "top.Softmax"
    axis = required(SI32)
    beta = default(F64, 1.0)
    log = default(BOOL, False)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        self.set(axis=normalized_axis(self, self.get("axis"), len(shapes[0])))
        return [shapes[0]]


@irdl_op_definition
class ArgOp(TensorOp):
    """The place of the greatest or least value along axis, and that value. Source: ONNX ArgMax and ArgMin, Caffe ArgMax."""

    name = "top.Arg"
    input = operand()
    indices = result()
    values = result()
    axis = required(I64)
    keepdims = required(BOOL)
    mode = required(one_of("ArgMin", "ArgMax"))
    select_last_index = default(BOOL, True)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        self.set(axis=normalized_axis(self, self.get("axis"), len(shapes[0])))
        return [_without(shapes[0], [self.get("axis")], keepdims=self.get("keepdims")) or (1,)] * 2


@irdl_op_definition
class CumSumOp(SameShapeOp):
    """y_i = the sum of x_0 to x_i along axis; dim holds the axis too. Source: ONNX CumSum, TFLite CUMSUM."""

    name = "top.CumSum"
    input = operand()
    dim = slot()
    output = result()
    axis = required(I64)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        self.set(axis=normalized_axis(self, self.get("axis"), len(shapes[0])))
        return [shapes[0]]
