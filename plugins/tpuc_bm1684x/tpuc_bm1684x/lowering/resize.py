"""Interp: in floats, and in 8 bits with the scale of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tpuc_bm1684x.lowering.generic import shared_attributes
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import shape_of, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


def _obstacle(op: TensorOp) -> str | None:
    if op.get("mode") not in ("linear", "nearest"):
        return f"{op.get('mode')} interpolation"
    rank = len(shape_of(op.operands[0]))
    return None if rank == 4 else f"an input of {rank} dimensions"


def _attributes(op: TensorOp) -> dict[str, Any]:
    return shared_attributes(op, tpu.InterpOp)


@lowers("Interp", precision=FLOATS, unless=_obstacle)
def interp_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    none = lowering.none(op)
    operands = [lowering.real(op.operands[0], op), none, none]
    return lowering.emit(op, tpu.InterpOp, operands, lowering.result_type(op), **_attributes(op))


@lowers("Interp", precision=Precision.INT8, unless=_obstacle)
def interp_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Integers between integers of the result's scale and zero point."""
    none = lowering.none(op)
    operands = [lowering.quantized(op.operands[0], op, lowering.quantization(op)), none, none]
    return lowering.emit_int8(op, tpu.InterpOp, operands, **_attributes(op))
