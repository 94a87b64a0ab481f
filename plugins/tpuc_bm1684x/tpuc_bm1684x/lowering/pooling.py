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

MODES = {"top.AvgPool": "Avg", "top.MaxPool": "Max"}


def _obstacle(op: TensorOp) -> str | None:
    if len(shape_of(op.operands[0])) != 4 or len(op.get("kernel_shape")) != 2:
        return f"a kernel of {len(op.get('kernel_shape'))} dimensions"
    from tpuc_bm1684x.kernels.conv2d import used_strides

    strides = used_strides(op.get("strides"), shape_of(op.operands[0])[2:], op.get("kernel_shape"), op.get("pads"))
    return field_obstacle(op.get("pads"), list(strides))


def _average_int8_obstacle(op: TensorOp) -> str | None:
    if any(op.get("pads")) and not op.get("count_include_pad"):
        return "an average over windows of different sizes (padding that is not counted)"
    return _obstacle(op)


@lowers("AvgPool", "MaxPool", precision=FLOATS, unless=_obstacle)
def pool_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    return plain_float(op, lowering, tpu.Pool2DOp, pool_mode=MODES[op.name])


@lowers("MaxPool", precision=Precision.INT8, unless=_obstacle)
def max_pool_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    x = lowering.quantized(op.operands[0], op, lowering.quantization(op))
    return lowering.emit_int8(op, tpu.Pool2DOp, [x], **_attributes(op, lowering))


@lowers("AvgPool", precision=Precision.INT8, unless=_average_int8_obstacle)
def average_pool_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """out = (sum of the window * multiplier + half) >> rshift; with zero points round(sum * scale + offset)."""
    x, attributes = lowering.quantized(op.operands[0], op), _attributes(op, lowering)
    given, wanted = lowering.result_quantization(x), lowering.quantization(op)
    factor = given.scale / (wanted.scale * prod(op.get("kernel_shape")))
    if given.zero_point or wanted.zero_point:
        offset = wanted.zero_point - given.scale / wanted.scale * given.zero_point
        return lowering.emit_int8(op, tpu.Pool2DOp, [x], scale=factor, offset=offset, **attributes)
    (multiplier,), (rshift,) = multipliers_and_shifts(factor)
    return lowering.emit_int8(op, tpu.Pool2DOp, [x], multiplier=multiplier, rshift=rshift, **attributes)


def _attributes(op: TensorOp, lowering: Lowering) -> dict[str, object]:
    limit = fused_relu(op, lowering.quantization(op))
    return shared_attributes(op, tpu.Pool2DOp) | {"pool_mode": MODES[op.name], "relu_limit": -1.0} | limit
