"""MaxPool and AvgPool as Pool2D."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from tpuc_bm1684x.lowering.convolution import field_obstacle
from tpuc_bm1684x.lowering.generic import fused_relu, plain_float, shared_attributes
from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import shape_of, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp
    from tpuc_core.plan import TensorQuantization

MODES = {"top.AvgPool": "Avg", "top.MaxPool": "Max"}


def _obstacle(op: TensorOp) -> str | None:
    if len(shape_of(op.operands[0])) != 4 or len(op.get("kernel_shape")) != 2:
        return f"a kernel of {len(op.get('kernel_shape'))} dimensions"
    from tpuc_bm1684x.kernels.conv2d import used_strides

    strides = used_strides(op.get("strides"), shape_of(op.operands[0])[2:], op.get("kernel_shape"), op.get("pads"))
    return field_obstacle(op.get("pads"), list(strides))


@lowers("AvgPool", "MaxPool", precision=FLOATS, unless=_obstacle)
def pool_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    return plain_float(op, lowering, tpu.Pool2DOp, pool_mode=MODES[op.name])


@lowers("MaxPool", precision=Precision.INT8, unless=_obstacle)
def max_pool_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    x = lowering.quantized(op.operands[0], op, lowering.quantization(op))
    return lowering.emit_int8(op, tpu.Pool2DOp, [x], **_attributes(op, lowering))


@lowers("AvgPool", precision=Precision.INT8, unless=_obstacle)
def average_pool_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    x, attributes = lowering.quantized(op.operands[0], op), _attributes(op, lowering)
    is_whole = bool(op.get("count_include_pad")) or not any(op.get("pads"))
    scaling = average_scaling(lowering.result_quantization(x), lowering.quantization(op), prod(op.get("kernel_shape")), is_whole)
    return lowering.emit_int8(op, tpu.Pool2DOp, [x], **scaling, **attributes)


def average_scaling(given: TensorQuantization, wanted: TensorQuantization, cells: int, is_whole: bool = True) -> dict[str, float | int]:
    """Attributes of an average over windows of so many cells: multiplier and rshift where no zero point and no window that is not
    whole asks for scale and offset."""
    factor = given.scale / (wanted.scale * cells)
    if given.zero_point or wanted.zero_point or not is_whole:
        return {"scale": factor, "offset": wanted.zero_point - given.scale / wanted.scale * given.zero_point}
    (multiplier,), (rshift,) = multipliers_and_shifts(factor)
    return {"multiplier": multiplier, "rshift": rshift}


def _attributes(op: TensorOp, lowering: Lowering) -> dict[str, object]:
    limit = fused_relu(op, lowering.quantization(op))
    return shared_attributes(op, tpu.Pool2DOp) | {"pool_mode": MODES[op.name], "relu_limit": -1.0} | limit
