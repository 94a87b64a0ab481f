"""The op as a network has it, and as the chip has it."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import UnaryOp, required
from tpuc_core.ir.dialects.kinds import F64


@irdl_op_definition
class ShrinkOp(UnaryOp):
    """y = x + bias where x < -lambd, x - bias where x > lambd, 0 elsewhere. Source: ONNX Shrink."""

    name = "shrink.Shrink"
    lambd = required(F64)
    bias = required(F64)


@irdl_op_definition
class SoftShrinkOp(UnaryOp):
    """y = x - min(max(x, -lambd), lambd), on the chip."""

    name = "shrink.SoftShrink"
    lambd = required(F64)
