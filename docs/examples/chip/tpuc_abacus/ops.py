"""The machine's four instructions as ops of a lowered model."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import TensorOp, UnaryOp, operand, result


@irdl_op_definition
class DenseOp(TensorOp):
    """y[m, n] = bias[n] + x[m, 0] * w[0, n] + x[m, 1] * w[1, n] + ..., every step rounded to f32."""

    name = "abacus.Dense"
    input = operand()
    weight = operand()
    bias = operand()
    output = result()


@irdl_op_definition
class ReluOp(UnaryOp):
    """y = max(x, 0)."""

    name = "abacus.Relu"


@irdl_op_definition
class AddOp(TensorOp):
    """y = a + b, of one shape."""

    name = "abacus.Add"
    left = operand()
    right = operand()
    output = result()


@irdl_op_definition
class ReshapeOp(UnaryOp):
    """The same values in the same order in another shape."""

    name = "abacus.Reshape"
