"""Ops that move or pick values, and reductions."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import (
    TensorOp,
    UnaryOp,
    default,
    operand,
    operands,
    optional,
    optional_operand,
    required,
    result,
    slot,
)
from tpuc_core.ir.dialects.kinds import BOOL, F64, I64, I64S, SI32, one_of
from tpuc_core.ir.dialects.tpu.words import CoreParallel, FusesRelu, Grouped, Mapped, Multicore, enum


@irdl_op_definition
class ConcatOp(FusesRelu, Grouped, Multicore):
    """The tensors one behind the other along axis; only_merge: their memory lies so already."""

    name = "tpu.Concat"
    inputs = operands()
    output = result()
    axis = required(SI32)
    multipliers = optional(I64S)
    only_merge = default(BOOL, False)
    rshifts = optional(I64S)


@irdl_op_definition
class SliceOp(Mapped, Multicore):
    """x[offset:ends:steps] in every dimension."""

    name = "tpu.Slice"
    input = operand()
    offsetT = slot()
    endsT = slot()
    stepsT = slot()
    buffer = slot()
    output = result()
    axes = default(I64S, [1])
    ends = required(I64S)
    hasparamConvert_axes = default(I64S, [])
    offset = required(I64S)
    steps = required(I64S)


@irdl_op_definition
class ReshapeOp(Mapped):
    """The same values in the same order in another shape; no command, unless the layout of channels over lanes changes."""

    name = "tpu.Reshape"
    input = operand()
    buffer = optional_operand()
    output = result()
    flatten_start_dim = default(I64, -1)
    shape = default(I64S, [])


@irdl_op_definition
class PermuteOp(Mapped, Grouped, CoreParallel):
    """Dimension i of the result is dimension order[i] of the input."""

    name = "tpu.Permute"
    input = operand()
    buffer = slot()
    output = result()
    order = required(I64S)


@irdl_op_definition
class PadOp(Mapped, Multicore):
    """A tensor with margins, all begins before all ends in paddings."""

    name = "tpu.Pad"
    input = operand()
    paddingsT = optional_operand()
    left_select = slot()
    right_select = slot()
    buffer = slot()
    output = result()
    insert_zeros = optional(I64S)
    mode = default(enum("Pad_Mode"), "constant")
    paddings = required(I64S)
    val = default(F64, 0.0)
    with_insert_zero = default(BOOL, False)


@irdl_op_definition
class TileOp(Multicore):
    """A tensor repeated tile[i] times along dimension i."""

    name = "tpu.Tile"
    input = operand()
    tileT = optional_operand()
    buffer = slot()
    output = result()
    tile = default(I64S, [])


@irdl_op_definition
class SqueezeOp(TensorOp):
    """A tensor without some dimensions of extent 1."""

    name = "tpu.Squeeze"
    input = operand()
    output = result()
    axes = required(I64S)


@irdl_op_definition
class UnsqueezeOp(TensorOp):
    """A tensor with new dimensions of extent 1."""

    name = "tpu.Unsqueeze"
    input = operand()
    output = result()
    axes = required(I64S)


@irdl_op_definition
class ReverseOp(UnaryOp, Multicore):
    """A tensor read backwards along axis."""

    name = "tpu.Reverse"
    axis = required(I64)


@irdl_op_definition
class ReduceOp(Multicore):
    """Mean, sum, product, least, greatest or norm over axes."""

    name = "tpu.Reduce"
    input = operand()
    buffer = slot()
    reciprocal_mantissa_table = slot()
    output = result()
    axes = required(I64S)
    keepdims = required(BOOL)
    mode = required(
        one_of("ReduceMin", "ReduceMax", "ReduceMean", "ReduceL2", "ReduceL1", "ReduceSum", "ReduceProd")
    )
    multiplier = optional(I64S)
    rshift = optional(I64S)


@irdl_op_definition
class InterpOp(Grouped, Multicore):
    """A map of another size, by the nearest pixel or linearly; scale_h, scale_w are output over input."""

    name = "tpu.Interp"
    input = operand()
    shapeT = slot()
    buffer = slot()
    output = result()
    coord_mode = required(enum("coord_mode"))
    mode = required(enum("mode"))
    ppl_flag = default(BOOL, False)
    scale_h = required(F64)
    scale_w = required(F64)


@irdl_op_definition
class UpsampleOp(FusesRelu, Grouped, Multicore):
    """Every pixel becomes scale_h x scale_w pixels."""

    name = "tpu.Upsample"
    input = operand()
    indices = slot()
    output = result()
    scale_h = required(I64)
    scale_w = required(I64)


@irdl_op_definition
class Depth2SpaceOp(Multicore):
    """Channels become blocks of pixels, or the other way round where is_inversed; is_CRD: a channel's block is contiguous."""

    name = "tpu.Depth2Space"
    input = operand()
    output = result()
    block_h = required(I64)
    block_w = required(I64)
    in_is_NCHW = default(BOOL, True)
    is_CRD = required(BOOL)
    is_inversed = required(BOOL)
    out_is_NCHW = default(BOOL, True)
    swap_cr = default(BOOL, False)


@irdl_op_definition
class ShuffleChannelOp(UnaryOp, Grouped, Multicore):
    """Channels as a [group, c / group] table, read by columns."""

    name = "tpu.ShuffleChannel"
    group = required(I64)


@irdl_op_definition
class GatherOp(Multicore):
    """The slices of input along axis that indices name."""

    name = "tpu.Gather"
    input = operand()
    indices = operand()
    buffer = slot()
    output = result()
    axis = default(SI32, 0)
    if_neg_index = default(BOOL, True)
    is_lora = default(BOOL, False)


@irdl_op_definition
class WhereOp(CoreParallel):
    """y = tbrn where cond is not 0, fbrn elsewhere; a branch may be a constant."""

    name = "tpu.Where"
    cond = operand()
    tbrn = slot()
    fbrn = slot()
    buffer = slot()
    output = result()
    x_const_val = default(F64, 0.0)
    x_is_const = default(BOOL, False)
    y_const_val = default(F64, 0.0)
    y_is_const = default(BOOL, False)


@irdl_op_definition
class ArgOp(Multicore):
    """The place of the greatest or least value along axis, and that value."""

    name = "tpu.Arg"
    input = operand()
    indices = result()
    values = result()
    axis = required(I64)
    keepdims = required(BOOL)
    mode = required(one_of("ArgMin", "ArgMax"))
    select_last_index = default(BOOL, True)
    use_int_input = default(BOOL, False)
