"""MaxPool and AvgPool as Pool2D."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from tpuc_bm1684x.lowering.chain import Chain
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
REDUCTIONS = {"top.AvgPool": "ReduceMean", "top.MaxPool": "ReduceMax"}
MOST_WINDOW = 2**14
"""The largest window over everything that is a pooling."""


def _float_obstacle(op: TensorOp) -> str | None:
    if len(shape_of(op.operands[0])) == 3 and len(op.get("kernel_shape")) == 1:
        return field_obstacle(op.get("pads"), op.get("strides"))
    return None if _is_large_whole(op) else _obstacle(op)


def _obstacle(op: TensorOp) -> str | None:
    if len(shape_of(op.operands[0])) != 4 or len(op.get("kernel_shape")) != 2:
        return f"a kernel of {len(op.get('kernel_shape'))} dimensions"
    from tpuc_bm1684x.kernels.conv2d import used_strides

    strides = used_strides(op.get("strides"), shape_of(op.operands[0])[2:], op.get("kernel_shape"), op.get("pads"))
    return field_obstacle(op.get("pads"), list(strides))


def _is_large_whole(op: TensorOp) -> bool:
    """Whether one window covers maps that a lane does not hold beside others."""
    shape, kernel = shape_of(op.operands[0]), op.get("kernel_shape")
    is_whole = tuple(shape[2:]) == tuple(kernel) and not any(op.get("pads"))
    return len(kernel) == 2 and is_whole and prod(kernel) > MOST_WINDOW and not op.get("do_relu")


def _one_dimension(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Windows along the last of three axes."""
    n, c, length = shape_of(op.operands[0])
    (kernel,), (stride,), (before, after) = (op.get(name) for name in ("kernel_shape", "strides", "pads"))
    chain = Chain(op, lowering, lowering.real(op.operands[0], op)).reshape(n, c, 1, length)
    attributes = shared_attributes(op, tpu.Pool2DOp) | {"kernel_shape": [1, kernel], "strides": [1, stride], "pads": [0, before, 0, after]}
    chain.add(tpu.Pool2DOp, (n, c, 1, shape_of(op.results[0])[2]), **attributes, pool_mode=MODES[op.name])
    return chain.end_with_reshape()


@lowers("AvgPool", "MaxPool", precision=FLOATS, unless=_float_obstacle)
def pool_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """A window over a whole large map is a reduction; one of one dimension, one of two."""
    if _is_large_whole(op):
        chain = Chain(op, lowering, lowering.real(op.operands[0], op))
        return chain.reduce([2, 3], REDUCTIONS[op.name]).end_with_reshape()
    if len(op.get("kernel_shape")) == 1:
        return _one_dimension(op, lowering)
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
