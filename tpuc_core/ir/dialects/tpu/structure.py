"""Layer groups, traffic between global and local memory, buffers."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition, region_def, traits_def
from xdsl.traits import IsTerminator

from tpuc_core.ir.dialects.base import TensorOp, default, operand, operands, optional, required, result, results, slot
from tpuc_core.ir.dialects.kinds import AFFINE_MAP, BOOL, F64, I64, I64S
from tpuc_core.ir.dialects.tpu.words import COMPRESS, Grouped, enum


@irdl_op_definition
class GroupOp(TensorOp):
    """A layer group: ops that keep what they hand to each other in local memory, slice by slice.

    flow is the order of the ops (their id in ginfo) in time steps; -1, -2, ... begin a step. nsecs, csecs, dsecs, hsecs,
    wsecs say into how many slices each dimension is cut.
    """

    name = "tpu.Group"
    inputs = operands()
    outputs = results()
    body = region_def()
    core_slice_ncdhw = default(I64S, [])
    csecs = required(I64)
    dsecs = required(I64)
    flow = default(I64S, [0])
    group_type = required(I64)
    hsecs = required(I64)
    nsecs = required(I64)
    other_down_overlap_op = default(I64S, [])
    other_up_overlap_op = default(I64S, [])
    run_core_id = default(I64S, [])
    self_down_overlap_op = default(I64S, [])
    self_up_overlap_op = default(I64S, [])
    support_compress = default(BOOL, True)
    swpipl_stage_num = required(I64)
    wsecs = required(I64)


@irdl_op_definition
class LoadOp(Grouped):
    """Copies a tensor from global to local memory; lmem_type is 1 for activations, 0 for weights."""

    name = "tpu.Load"
    input = operand()
    output = result()
    compress_info = optional(COMPRESS)
    do_bcast = default(BOOL, False)
    indexing_map_s2l = optional(AFFINE_MAP)
    is_idx_weight = default(BOOL, False)
    lmem_type = default(I64, 0)
    support_compress = default(BOOL, True)
    use_3ic_optimize = default(I64, 0)


@irdl_op_definition
class StoreOp(Grouped):
    """Copies a tensor from local to global memory."""

    name = "tpu.Store"
    input = operand()
    buffer = slot()
    output = result()
    compress_info = optional(COMPRESS)
    indexing_map_l2s = optional(AFFINE_MAP)
    pad_const_val = optional(F64)
    paddings = optional(I64S)
    support_compress = default(BOOL, True)


@irdl_op_definition
class YieldOp(TensorOp):
    """Hands values out of the region of an op."""

    name = "tpu.Yield"
    values = operands()
    traits = traits_def(IsTerminator())


@irdl_op_definition
class BufferOp(TensorOp):
    """Scratch memory."""

    name = "tpu.Buffer"
    output = result()
    buffer_type = default(enum("buffer_type"), "GMEM")
