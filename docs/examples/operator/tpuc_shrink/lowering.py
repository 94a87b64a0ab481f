"""The op on its way to the chip: in F32 one op of ours, in INT8 a table of 256 results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_bm1684x.lowering.registry import lowers
from tpuc_bm1684x.lowering.unary import table_of

from tpuc_core.ir import tpu
from tpuc_core.plan import Precision
from tpuc_shrink.evaluation import shrunk
from tpuc_shrink.ops import SoftShrinkOp

if TYPE_CHECKING:
    from tpuc_bm1684x.lowering.context import Lowering
    from xdsl.ir import SSAValue

    from tpuc_core.ir import TensorOp


def obstacle(op: TensorOp) -> str | None:
    """What the chip's form cannot do: a step at the threshold."""
    return None if op.get("bias") == op.get("lambd") else "a bias that is not lambd"


@lowers("shrink.Shrink", precision=Precision.F32, unless=obstacle)
def shrink_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    return lowering.emit(op, SoftShrinkOp, [lowering.real(op.operands[0], op)], op.results[0].type, lambd=op.get("lambd"))


@lowers("shrink.Shrink", precision=Precision.INT8)
def shrink_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    x = lowering.quantized(op.operands[0], op)
    wanted = lowering.quantization(op)
    table = table_of(lambda v: shrunk(v, op.get("lambd"), op.get("bias")), lowering.result_quantization(x), wanted)
    weight = lowering.weight(op, "table", table.reshape(1, 1, 1, 256), "si8" if wanted.is_signed else "ui8")
    return lowering.emit_int8(op, tpu.LutOp, [x, weight])
