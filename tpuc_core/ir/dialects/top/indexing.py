"""Values picked by index, and values in another type."""

from __future__ import annotations

import numpy as np
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
    optional,
    optional_operand,
    required,
    result,
)
from tpuc_core.ir.dialects.kinds import BOOL, F64, I32, I64, SI32, STRING
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


@irdl_op_definition
class GatherNDOp(TensorOp):
    """The last dimension of indices is a place in the dimensions of input behind the first batch_dims. Source: ONNX GatherND."""

    name = "top.GatherND"
    input = operand()
    indices = operand()
    output = result()
    batch_dims = default(I64, 0)
    indice_dims = optional(I64)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        source, indices = shapes[0], shapes[1]
        taken = self.get("batch_dims") + indices[-1]
        if taken > len(source):
            raise self.error(f"places of {indices[-1]} numbers in an input of shape {list(source)}")
        return [(*indices[:-1], *source[taken:]) or (1,)]


@irdl_op_definition
class ScatterElementsOp(SameShapeOp):
    """A copy of input where the element at indices along axis is that of updates, or added where reduction is 1.

    Source: ONNX ScatterElements.
    """

    name = "top.ScatterElements"
    input = operand()
    indices = operand()
    updates = operand()
    output = result()
    axis = required(I64)
    nc_can_split = default(BOOL, False)
    reduction = default(I64, 0)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        self.set(axis=normalized_axis(self, self.get("axis"), len(shapes[0])))
        if shapes[1] != shapes[2]:
            raise self.error(f"updates {list(shapes[2])} at indices {list(shapes[1])}")
        return [shapes[0]]


@irdl_op_definition
class ScatterNDOp(SameShapeOp):
    """A copy of input where the slice at each place of indices is that of updates, or added where reduction is 1.

    Source: ONNX ScatterND.
    """

    name = "top.ScatterND"
    input_data = operand()
    indices = operand()
    updates = operand()
    output = result()
    reduction = default(I32, 0)


@irdl_op_definition
class TopKOp(TensorOp):
    """The K greatest or least values along axis, in order, and their places. Source: ONNX TopK."""

    name = "top.TopK"
    input = operand()
    kT = optional_operand()
    values = result()
    indices = result()
    K = default(I64, -1)
    axis = required(I64)
    largest = default(BOOL, True)
    replace_topk_indices = default(BOOL, False)
    sorted = default(BOOL, True)
    use_hau = default(BOOL, True)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        shape = shapes[0]
        axis = normalized_axis(self, self.get("axis"), len(shape))
        count = self.get("K")
        if count < 0 and len(weights) > 1 and weights[1] is not None:
            count = int(weights[1].ravel()[0])
        if not 0 < count <= shape[axis]:
            raise self.error(f"{count} of the {shape[axis]} values along axis {axis}")
        self.set(axis=axis, K=count)
        return [(*shape[:axis], count, *shape[axis + 1 :])] * 2
