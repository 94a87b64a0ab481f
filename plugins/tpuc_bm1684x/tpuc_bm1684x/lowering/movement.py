"""Ops that move values in INT8, or choose among them: their operands are brought to the quantization of the result, and integers pass unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.generic import (
    concatenated,
    fused_relu,
    missing_operands,
    padding_obstacle,
    shared_attributes,
)
from tpuc_bm1684x.lowering.quantize import quantize_real
from tpuc_bm1684x.lowering.registry import kernel_obstacle, lowers
from tpuc_core.ir import calibration_of, is_none, is_weight, shape_of, tensor_type, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


TAKE_CONSTANTS = ("top.Concat", "top.Max", "top.Min")


def _obstacle(op: TensorOp) -> str | None:
    if op.name == "top.Pad":
        return padding_obstacle(op) or _pad_value_obstacle(op)
    if op.name in ("top.Max", "top.Min") and len(op.operands) < 2:
        return "a single operand"
    if op.name not in TAKE_CONSTANTS and any(is_weight(v) for v in op.operands):
        return "an operand that is a constant"
    return kernel_obstacle(op.name.removeprefix("top."))


def _operand(op: TensorOp, lowering: Lowering, value: SSAValue, index: int) -> SSAValue:
    """An operand in the quantization of the result; a constant becomes `OP_operand_INDEX_i8`."""
    wanted = lowering.quantization(op)
    if not is_weight(value):
        return lowering.quantized(value, op, wanted)
    integers = quantize_real(lowering.model.weight(value), wanted)
    return lowering.weight(op, f"operand_{index}_i8", integers, "si8" if wanted.is_signed else "ui8")


def _pad_value_obstacle(op: TensorOp) -> str | None:
    """Why what a Pad pads with has no 8-bit form: the result has the input's quantization."""
    value, given = op.get("val"), calibration_of(op.operands[0]) or (0.0, 0.0)
    return None if value == 0 or given[0] <= value <= given[1] else f"padding with {value:g}, which is not in the input's range"


@lowers("Concat", "Depth2Space", "Max", "Min", "Pad", "Permute", "Reshape", "Reverse", "ShuffleChannel", "Slice", "Squeeze", "Tile",
        "Unsqueeze", "Upsample", precision=Precision.INT8, unless=_obstacle)
def move_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    op_class = getattr(tpu, f"{op.name.removeprefix('top.')}Op")
    wanted = lowering.quantization(op)
    operands = [v if is_none(v) else _operand(op, lowering, v, i) for i, v in enumerate(op.operands)]
    operands += [lowering.none(op)] * missing_operands(op_class, len(operands))
    if op.name == "top.Concat" and (wanted.zero_point > wanted.limits[0] or "relu_limit" in fused_relu(op, wanted)):
        return concatenated(op, lowering, operands, tensor_type(shape_of(op.results[0]), quantization=wanted))
    attributes = shared_attributes(op, op_class)
    if "relu_limit" in attributes:
        attributes["relu_limit"] = fused_relu(op, wanted).get("relu_limit", -1.0)
    if op.name == "top.Pad":
        attributes["val"] = float(quantize_real(np.array([op.get("val")]), wanted)[0])
    return lowering.emit_int8(op, op_class, operands, **attributes)
