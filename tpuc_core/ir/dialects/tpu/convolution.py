"""Convolutions, matrix products and pools."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import default, operand, optional, required, result, slot
from tpuc_core.ir.dialects.kinds import BOOL, F64, F64S, I64, I64S, SI32, one_of
from tpuc_core.ir.dialects.tpu.words import (
    COMPRESS,
    LAYER_GROUP,
    REQUANT_MODE,
    ROUND_MODE,
    CoreParallel,
    FusesRelu,
    Grouped,
    Multicore,
    enum,
)


@irdl_op_definition
class Conv2DOp(FusesRelu, Grouped, CoreParallel):
    """y = relu?(conv(x, filter) + bias), in 8 bits clip(((acc + bias) * multiplier[c] rounded >> rshift[c]) + zero point).

    x [n, ic, ih, iw], filter [oc, ic / group, kh, kw], bias [1, oc, 1, 1]. With coeff_merged the filter holds everything in
    the chip's order. Lowered from Conv and Scale.
    """

    name = "tpu.Conv2D"
    input = operand()
    filter = operand()
    bias = slot()
    output = result()
    coeff_merged = default(BOOL, False)
    compress_info = optional(COMPRESS)
    dilations = optional(I64S)
    do_kernel_rotate = optional(BOOL)
    do_leaky_relu = optional(BOOL)
    group = default(I64, 1)
    inserts = optional(I64S)
    kernel_shape = required(I64S)
    kernel_zp = default(I64, 0)
    multiplier = optional(I64S)
    multiplier_neg = optional(SI32)
    multiplier_pos = optional(SI32)
    neg_slope = optional(F64)
    out_f8_scales = optional(F64S)
    pads = required(I64S)
    quant_mode = default(REQUANT_MODE, "MultiplierShift")
    round_mode = default(ROUND_MODE, "HalfUp")
    rshift = optional(I64S)
    rshift_neg = optional(SI32)
    rshift_pos = optional(SI32)
    strides = required(I64S)
    support_compress = default(BOOL, True)
    use_3ic_optimize = default(I64, 0)
    use_winograd = optional(I64)
    weight_bits = optional(I64)
    weight_is_coeff = default(I64, 1)
    with_bias = required(BOOL)


@irdl_op_definition
class DeconvOp(FusesRelu, Grouped, Multicore):
    """Transposed convolution; in 8 bits the result is 32 bits wide and requantized by a RequantIntAxis. Lowered from Deconv."""

    name = "tpu.Deconv"
    input = operand()
    filter = operand()
    bias = slot()
    output = result()
    dilations = optional(I64S)
    group = default(I64, 1)
    kernel_shape = required(I64S)
    multiplier = optional(I64S)
    output_padding = optional(I64S)
    pads = required(I64S)
    quant_mode = default(REQUANT_MODE, "MultiplierShift")
    rshift = optional(I64S)
    strides = required(I64S)
    with_bias = required(BOOL)


@irdl_op_definition
class MatMulOp(FusesRelu, Grouped, CoreParallel):
    """y = relu?(left @ right + bias), in 8 bits requantized with one multiplier and shift. Lowered from MatMul."""

    name = "tpu.MatMul"
    input = operand()
    right = operand()
    bias = slot()
    multi = slot()
    buffer = slot()
    output = result()
    dq_type = default(one_of("NONE", "F16", "BF16", "INT8", "INT4", "F8E4M3", "F4", "MXF4"), "NONE")
    fuse_rq = default(BOOL, False)
    hdim_is_batch = default(BOOL, False)
    input_zp = default(I64, 0)
    is_lora = default(BOOL, False)
    keep_dims = default(BOOL, True)
    left_reuse = default(I64, 1)
    left_transpose = default(BOOL, False)
    multi_core = optional(BOOL)
    multipliers = default(I64S, [1])
    out_scales = optional(F64S)
    output_transpose = default(BOOL, False)
    q_group_size = default(I64, 0)
    quant_mode = default(REQUANT_MODE, "MultiplierShift")
    right_transpose = default(BOOL, False)
    right_zp = default(I64, 0)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    rshifts = default(I64S, [0])
    weight_bits = optional(I64)


@irdl_op_definition
class Pool2DOp(FusesRelu, CoreParallel):
    """The mean or maximum of a window; the mean in 8 bits is (sum * multiplier + half) >> rshift, or sum * scale + offset.

    Lowered from AvgPool, MaxPool and AdaptiveAvgPool.
    """

    name = "tpu.Pool2D"
    input = operand()
    output = result()
    ceil_mode = optional(BOOL)
    count_include_pad = default(BOOL, False)
    first_round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    fp8_out_scale = optional(F64)
    is_adaptive = default(BOOL, False)
    keepdims = default(BOOL, True)
    kernel_shape = required(I64S)
    layer_group = optional(LAYER_GROUP)
    multiplier = optional(SI32)
    offset = optional(F64)
    pad_value = default(I64, 0)
    pads = required(I64S)
    pool_mode = required(enum("pool_mode"))
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    rshift = optional(SI32)
    scale = optional(F64)
    strides = required(I64S)
