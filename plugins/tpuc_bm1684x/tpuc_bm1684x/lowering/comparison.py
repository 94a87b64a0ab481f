"""Comparisons in F32, since 16 bits tell fewer numbers apart; choices in floats. In INT8 models they run in F32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_bm1684x.lowering.generic import plain_float
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


@lowers("Compare", "CompareConst", precision=Precision.F32)
@lowers("Where", precision=FLOATS)
def comparison_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    return plain_float(op, lowering, getattr(tpu, f"{op.name.removeprefix('top.')}Op"))


@lowers("LogicalAnd", precision=Precision.F32)
def logical_and_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    operands = [lowering.real(v, op) for v in op.operands]
    return lowering.emit(op, tpu.CompareOp, operands, op.results[0].type, mode="And")

