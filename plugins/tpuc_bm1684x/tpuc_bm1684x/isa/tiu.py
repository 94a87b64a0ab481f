"""TIU commands, long forms: one layout of 128 bytes for all operations, and the two forms of 16 bytes.

The long form has every field, also those that an operation does not look at; what it does is in docs/isa.
"""

from __future__ import annotations

from tpuc_bm1684x.isa import operations
from tpuc_bm1684x.isa.fields import Command, bits
from tpuc_bm1684x.isa.kinds import ElementType, Kind, Layout, PadMode, Rounding

ALL_LANES = (1 << 64) - 1
GDMA_WAIT = "the GDMA has finished its command of this number (0: no wait)"


class TiuCommand(Command):
    """What every TIU command has."""

    engine = "tiu"

    tsk_typ = bits(41, 4, doc="opcode")
    tsk_eu_typ = bits(45, 5, doc="operation")
    pwr_step = bits(59, 4)

    @property
    def operation(self) -> str:
        """The name of `tsk_eu_typ`."""
        return self.operations.get(self.tsk_eu_typ, f"operation {self.tsk_eu_typ}")

    def __init_subclass__(cls, *, opcode: int | None = None, **settings: int) -> None:
        if opcode is not None:
            settings["tsk_typ"] = opcode
        super().__init_subclass__(opcode=opcode, **settings)


class NumberedTiuCommand(TiuCommand):
    """Place in the stream, and what the command waits for."""

    cmd_short = bits(0, 1, doc="1 for the short forms")
    cmd_id = bits(1, 20, doc="number of the command in its stream, from 1")
    cmd_id_dep = bits(21, 20, doc=GDMA_WAIT)
    cmd_id_en = bits(55, 4, default=1, doc="1 on all commands but the end")


class LongTiuCommand(NumberedTiuCommand, cmd_short=0):
    """The fields of the long form."""

    eu_half_en = bits(50, 1)
    tsk_opd_num = bits(51, 2)
    pad_mode = bits(53, 2, PadMode)
    intr_en = bits(63, 1)
    res_add = bits(64, 1)
    relu = bits(65, 1)
    left_tran = bits(66, 1)
    kernel_rotate = bits(68, 1)
    opd0_sign = bits(69, 1)
    opd1_sign = bits(70, 1)
    opd2_sign = bits(71, 1)
    res0_prec = bits(72, 3, ElementType)
    opd0_prec = bits(75, 3, ElementType)
    opd1_prec = bits(78, 3, ElementType)
    opd2_prec = bits(81, 3, ElementType)
    opd0_const = bits(84, 1)
    opd1_const = bits(85, 1)
    opd2_const = bits(86, 1)
    res0_str = bits(87, 3, Layout)
    opd0_str = bits(90, 3, Layout)
    opd1_str = bits(93, 3, Layout)
    opd2_str = bits(96, 3, Layout)
    res_add_sign = bits(99, 1)
    opd3_const = bits(126, 1)
    opd0_x_ins0 = bits(128, 4)
    opd0_y_ins0 = bits(132, 4)
    opd1_x_ins0 = bits(136, 4)
    opd1_y_ins0 = bits(140, 4)
    opd0_up_pad = bits(144, 4)
    opd0_dn_pad = bits(148, 4)
    opd0_lf_pad = bits(152, 4)
    opd0_rt_pad = bits(156, 4)
    res_op_x_str = bits(160, 4)
    res_op_y_str = bits(164, 4)
    res0_h_shift = bits(168, 4)
    res0_w_shift = bits(172, 4)
    opd0_h_shift = bits(176, 4)
    opd0_w_shift = bits(180, 4)
    opd1_h_shift = bits(184, 4)
    opd1_w_shift = bits(188, 4)
    tsk_lane_num = bits(192, 64, Kind.LANE_MASK, default=ALL_LANES)
    res0_n = bits(256, 16)
    res0_c = bits(272, 16)
    res0_h = bits(288, 16)
    res0_w = bits(304, 16)
    opd0_n = bits(320, 16)
    opd0_c = bits(336, 16)
    opd0_h = bits(352, 16)
    opd0_w = bits(368, 16)
    opd1_n = bits(384, 16)
    opd1_c = bits(400, 16)
    opd1_h = bits(416, 16)
    opd1_w = bits(432, 16)
    res0_n_str = bits(448, 16, Kind.STRIDE)
    res0_c_str = bits(464, 16, Kind.STRIDE)
    opd0_n_str = bits(480, 16, Kind.STRIDE)
    opd0_c_str = bits(496, 16, Kind.STRIDE)
    opd1_n_str = bits(512, 16, Kind.STRIDE)
    opd1_c_str = bits(528, 16, Kind.STRIDE)
    opd2_n_str = bits(544, 16, Kind.STRIDE)
    opd2_c_str = bits(560, 16, Kind.STRIDE)
    res0_addr = bits(576, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(608, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(640, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(672, 32, Kind.LOCAL_ADDRESS)
    res0_h_str = bits(704, 32, Kind.STRIDE)
    res0_w_str = bits(736, 32, Kind.STRIDE)
    opd0_h_str = bits(768, 32, Kind.STRIDE)
    opd0_w_str = bits(800, 32, Kind.STRIDE)
    opd1_h_str = bits(832, 32, Kind.STRIDE)
    opd1_w_str = bits(864, 32, Kind.STRIDE)
    opd2_h_str = bits(896, 32, Kind.STRIDE)
    opd2_w_str = bits(928, 32, Kind.STRIDE)
    res1_addr = bits(960, 32, Kind.LOCAL_ADDRESS)
    opd3_addr = bits(992, 32, Kind.LOCAL_ADDRESS)


class Convolution(LongTiuCommand, opcode=0, bits=1024, form="CONV"):
    """Convolution."""

    operations = operations.CONVOLUTION


class Pooling(LongTiuCommand, opcode=1, bits=1024, form="PorD"):
    """Depthwise convolution and pooling."""

    operations = operations.POOLING


class MatrixMultiply(LongTiuCommand, opcode=2, bits=1024, form="MM"):
    """Matrix multiply, a row over many lanes."""

    operations = operations.MATRIX_MULTIPLY


class MatrixMultiply2(LongTiuCommand, opcode=2, bits=1024, form="MM2"):
    """Matrix multiply, a row per lane."""

    operations = operations.MATRIX_MULTIPLY2


class Arithmetic(LongTiuCommand, opcode=3, bits=1024, form="AR"):
    """Element-wise arithmetic."""

    operations = operations.ARITHMETIC


class Requantize(LongTiuCommand, opcode=4, bits=1024, form="RQDQ"):
    """Requantize and dequantize."""

    operations = operations.REQUANTIZE


class Transpose(LongTiuCommand, opcode=5, bits=1024, form="TRANSBC"):
    """C-w transposes, copies between lanes, copies from static memory."""

    operations = operations.TRANSPOSE


class ScatterGather(LongTiuCommand, opcode=6, bits=1024, form="SG"):
    """Gather, scatter, masked select, nonzero, int8 tables."""

    operations = operations.SCATTER_GATHER


class ScatterGatherLine(LongTiuCommand, opcode=6, bits=1024, form="SGL"):
    """Gather, scatter and select whole lines."""

    operations = operations.SCATTER_GATHER_LINE


class Segment(LongTiuCommand, opcode=8, bits=1024, form="SEG"):
    """Segment; not settled, no compiler emits it."""

    operations = operations.SEGMENT


class SpecialFunction(LongTiuCommand, opcode=9, bits=1024, form="SFU"):
    """Series, powers of two, inverse square root."""

    operations = operations.SPECIAL_FUNCTION


class Linear(LongTiuCommand, opcode=10, bits=1024, form="LIN"):
    """Fused linear."""

    operations = operations.LINEAR


class Compare(LongTiuCommand, opcode=13, bits=1024, form="CMP"):
    """Compare and select."""

    operations = operations.COMPARE


class VectorPairs(LongTiuCommand, opcode=14, bits=1024, form="VC"):
    """Vector with vector, all pairs."""

    operations = operations.VECTOR_PAIRS


class LinearArithmetic(TiuCommand, opcode=12, bits=128, form="LAR"):
    """Linear arithmetic in 16 bytes; not settled, AR does the same work."""

    operations = operations.ARITHMETIC
    opd0_w_str = bits(0, 1)
    opd1_w_str = bits(1, 1)
    opd2_const = bits(2, 1)
    res0_prec = bits(3, 3, ElementType)
    opd0_prec = bits(6, 3, ElementType)
    opd1_prec = bits(9, 3, ElementType)
    opd2_n_str = bits(12, 3, Rounding)
    opd0_sign = bits(15, 1)
    opd1_sign = bits(16, 1)
    start_tid = bits(17, 6)
    res0_c = bits(23, 8)
    res0_w = bits(31, 8)
    tsk_opd_num = bits(51, 2)
    res0_addr = bits(64, 16, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(80, 16, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(96, 16, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(112, 16, Kind.LOCAL_ADDRESS)


class System(NumberedTiuCommand, opcode=15, bits=128, form="SYSID"):
    """End of a stream, and the lane register that replaces `tsk_lane_num` of later commands."""

    operations = operations.SYSTEM
    next_only = bits(50, 1, doc="the lane register holds for the next data command")
    always = bits(51, 1, doc="the lane register holds until it is set again")
    intr_en = bits(63, 1)
    operand = bits(64, 64, Kind.LANE_MASK, doc="lane mask, or the local address that it comes from")
