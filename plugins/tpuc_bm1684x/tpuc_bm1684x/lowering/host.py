"""Ops at the end of a net that the processor beside the chip computes in float."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.dialects.func import ReturnOp

from tpuc_bm1684x.lowering.generic import shared_attributes
from tpuc_bm1684x.lowering.registry import lowers
from tpuc_core.ir import tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


def _obstacle(op: TensorOp) -> str | None:
    if all(isinstance(use.operation, ReturnOp) for use in op.results[0].uses):
        return None
    return "the chip has no form of it, and ops that read its result: only at the end of a net it runs beside the chip"


@lowers("DetectionOutput", precision=Precision.F32, unless=_obstacle)
def detection_output(op: TensorOp, lowering: Lowering) -> SSAValue:
    operands = [*(lowering.real(value, op) for value in op.operands), lowering.none(op)]
    return lowering.emit(op, tpu.DetectionOutputOp, operands, op.results[0].type, **shared_attributes(op, tpu.DetectionOutputOp))
