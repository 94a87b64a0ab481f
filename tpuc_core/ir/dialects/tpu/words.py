"""What several ops of the `tpu` dialect share: fused Relu, rounding, notes of the back end."""

from __future__ import annotations

from tpuc_core.ir.dialects.base import TensorOp, default, optional
from tpuc_core.ir.dialects.kinds import AFFINE_MAP, BOOL, F64, EnumKind, StructureKind
from tpuc_core.ir.dialects.tpu.attributes import ENUMS, CompressAttr, LayerGroupAttr

LAYER_GROUP = StructureKind("lg", LayerGroupAttr)
COMPRESS = StructureKind("do_compress", CompressAttr)


def enum(mnemonic: str) -> EnumKind:
    """The kind of the enumeration with that mnemonic."""
    return EnumKind(mnemonic, ENUMS[mnemonic])


ROUND_MODE = enum("round_mode")
REQUANT_MODE = enum("rq_mode")
DEQUANT_MODE = enum("dq_mode")


class FusesRelu(TensorOp):
    """An op that may end with y = max(y, 0), and with y = min(y, relu_limit) where that is positive.

    Where the result is quantized the limit is part of its scale.
    """

    do_relu = default(BOOL, False)
    relu_limit = default(F64, -1.0)


class Grouped(TensorOp):
    """An op that may run in a layer group: ginfo says where and when."""

    ginfo = optional(LAYER_GROUP)


class Multicore(TensorOp):
    """An op that chips with several cores may share out."""

    multicore = optional(BOOL)


class CoreParallel(Multicore):
    """An op that chips with several cores may share out, with a note of the pass that does."""

    do_core_parallel = optional(BOOL)


class Mapped(TensorOp):
    """An op whose input and output may be addressed through maps."""

    indexing_map_l2s = optional(AFFINE_MAP)
    indexing_map_s2l = optional(AFFINE_MAP)
