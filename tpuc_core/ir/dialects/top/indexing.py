"""Values picked by index, and values in another type."""

from __future__ import annotations

import numpy as np
from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import Shape, Shapes, TensorOp, UnaryOp, Values, default, operand, required, result
from tpuc_core.ir.dialects.kinds import BOOL, F64, I64, SI32, STRING
from tpuc_core.ir.dialects.top.words import ROUND_MODE, normalized_axis


@irdl_op_definition
class CastOp(UnaryOp):
    """A tensor in another type. Source: ONNX Cast, TFLite CAST, QUANTIZE and DEQUANTIZE."""

    name = "top.Cast"
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    to = default(STRING, "")


@irdl_op_definition
class GatherOp(TensorOp):
    """The slices of input along axis that indices name. Source: ONNX Gather, TFLite GATHER."""

    name = "top.Gather"
    input = operand()
    indices = operand()
    output = result()
    axis = default(SI32, 0)
    is_lora = default(BOOL, False)
    is_scalar = default(BOOL, False)
    keepdims = default(BOOL, True)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        source, indices = shapes[0], shapes[1]
        axis = normalized_axis(self, self.get("axis"), len(source))
        self.set(axis=axis)
        if not self.get("keepdims") and int(np.prod(indices)) == 1:
            indices = ()
        shape = (*source[:axis], *indices, *source[axis + 1 :])
        if not shape:
            self.set(is_scalar=True)
        return [shape or (1,)]


@irdl_op_definition
class GatherElementsOp(TensorOp):
    """y[i][j][k] = input[i][j][indices[i][j][k]] for axis 2. Source: ONNX GatherElements."""

    name = "top.GatherElements"
    input = operand()
    indices = operand()
    output = result()
    axis = default(I64, 2)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        self.set(axis=normalized_axis(self, self.get("axis"), len(shapes[0])))
        return [shapes[1]]


@irdl_op_definition
class ConstantFillOp(TensorOp):
    """A tensor of one value in the shape that the input says. Source: ONNX ConstantOfShape."""

    name = "top.ConstantFill"
    input = operand()
    output = result()
    value = required(F64)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        if not weights or weights[0] is None:
            raise self.error("its shape is not a constant")
        return [tuple(int(n) for n in weights[0].ravel())]
