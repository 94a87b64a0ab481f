"""TIU commands, short forms: what compilers emit. Fields mean what they mean in the long form; all lanes take part."""

from __future__ import annotations

from tpuc_bm1684x.isa import operations
from tpuc_bm1684x.isa.fields import bits
from tpuc_bm1684x.isa.kinds import ElementType, Kind, Layout, PadMode, Rounding
from tpuc_bm1684x.isa.tiu import NumberedTiuCommand


class ShortTiuCommand(NumberedTiuCommand, cmd_short=1):
    """Base of the short forms."""


class ShortConvolution(ShortTiuCommand, opcode=0, bits=512, form="sCONV"):
    """Convolution."""

    operations = operations.CONVOLUTION
    opd0_sign = bits(50, 1)
    opd1_sign = bits(51, 1)
    opd2_sign = bits(52, 1)
    pad_mode = bits(53, 2, PadMode)
    res_add = bits(63, 1)
    kernel_rotate = bits(64, 1)
    res0_prec = bits(65, 3, ElementType)
    opd0_prec = bits(68, 3, ElementType)
    opd1_const = bits(71, 1)
    opd2_const = bits(72, 1)
    opd0_up_pad = bits(73, 4)
    opd0_dn_pad = bits(77, 4)
    opd0_lf_pad = bits(81, 4)
    opd0_rt_pad = bits(85, 4)
    res_op_x_str = bits(89, 4)
    res_op_y_str = bits(93, 4)
    opd3_const = bits(97, 1)
    opd0_str = bits(98, 3, Layout)
    res0_addr = bits(101, 26, Kind.LOCAL_ADDRESS)
    intr_en = bits(127, 1)
    opd0_x_ins0 = bits(128, 4)
    opd0_y_ins0 = bits(132, 4)
    opd1_x_ins0 = bits(136, 4)
    opd1_y_ins0 = bits(140, 4)
    opd0_n_str = bits(144, 16, Kind.STRIDE)
    res0_n = bits(160, 16)
    res0_c = bits(176, 16)
    res0_h = bits(192, 16)
    res0_w = bits(208, 16)
    opd0_c = bits(224, 16)
    opd0_h = bits(240, 16)
    opd0_w = bits(256, 16)
    opd1_h = bits(272, 16)
    opd1_w = bits(288, 16)
    opd0_c_str = bits(304, 16, Kind.STRIDE)
    opd0_addr = bits(320, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(352, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(384, 32, Kind.LOCAL_ADDRESS)
    res1_addr = bits(416, 32, Kind.LOCAL_ADDRESS)
    opd3_addr = bits(448, 32, Kind.LOCAL_ADDRESS)
    opd0_h_str = bits(480, 16, Kind.STRIDE)
    opd0_w_str = bits(496, 16, Kind.STRIDE)


class ShortPooling(ShortTiuCommand, opcode=1, bits=512, form="sPorD"):
    """Depthwise convolution and pooling."""

    operations = operations.POOLING
    kernel_rotate = bits(50, 1)
    opd0_sign = bits(51, 1)
    opd1_sign = bits(52, 1)
    pad_mode = bits(53, 2, PadMode)
    opd1_const = bits(63, 1)
    opd2_const = bits(64, 1)
    opd3_const = bits(65, 1)
    res0_prec = bits(66, 3, ElementType)
    opd0_prec = bits(69, 3, ElementType)
    opd0_x_ins0 = bits(72, 4)
    opd0_y_ins0 = bits(76, 4)
    opd1_x_ins0 = bits(80, 4)
    opd1_y_ins0 = bits(84, 4)
    opd0_up_pad = bits(88, 4)
    opd0_dn_pad = bits(92, 4)
    opd0_lf_pad = bits(96, 4)
    opd0_rt_pad = bits(100, 4)
    res_op_x_str = bits(104, 4)
    res_op_y_str = bits(108, 4)
    opd2_n_str = bits(112, 3, Rounding)
    opd2_sign = bits(126, 1)
    intr_en = bits(127, 1)
    res0_n = bits(128, 16)
    res0_c = bits(144, 16)
    res0_h = bits(160, 16)
    res0_w = bits(176, 16)
    opd0_h = bits(192, 16)
    opd0_w = bits(208, 16)
    opd1_h = bits(224, 16)
    opd1_w = bits(240, 16)
    res0_addr = bits(256, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(288, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(320, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(352, 32, Kind.LOCAL_ADDRESS)
    res1_addr = bits(384, 32, Kind.LOCAL_ADDRESS)
    opd3_addr = bits(416, 32, Kind.LOCAL_ADDRESS)


class ShortMatrixMultiply(ShortTiuCommand, opcode=2, bits=384, form="sMM"):
    """Matrix multiply, a row over many lanes."""

    operations = operations.MATRIX_MULTIPLY
    res_add = bits(50, 1)
    left_tran = bits(51, 1)
    opd0_const = bits(52, 1)
    opd2_const = bits(53, 1)
    intr_en = bits(63, 1)
    opd0_sign = bits(64, 1)
    opd1_sign = bits(65, 1)
    opd2_sign = bits(66, 1)
    res0_prec = bits(67, 3, ElementType)
    opd0_prec = bits(70, 3, ElementType)
    opd2_n_str = bits(73, 3, Rounding)
    res0_c = bits(112, 16)
    res0_w = bits(128, 16)
    opd0_n = bits(144, 16)
    opd0_c = bits(160, 16)
    opd0_w = bits(176, 16)
    opd1_w = bits(208, 16)
    res0_addr = bits(224, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(256, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(288, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(320, 32, Kind.LOCAL_ADDRESS)
    opd3_addr = bits(352, 32, Kind.LOCAL_ADDRESS)


class ShortMatrixMultiply2(ShortTiuCommand, opcode=2, bits=256, form="sMM2"):
    """Matrix multiply, a row per lane."""

    operations = operations.MATRIX_MULTIPLY2
    opd0_sign = bits(50, 1)
    opd1_sign = bits(51, 1)
    res0_prec = bits(52, 3, ElementType)
    opd2_const = bits(63, 1)
    res0_c = bits(64, 16)
    res0_w = bits(80, 16)
    opd1_c = bits(96, 16)
    opd1_w = bits(112, 16)
    opd0_prec = bits(128, 3, ElementType)
    opd0_const = bits(131, 1)
    opd1_const = bits(132, 1)
    res_add = bits(133, 1)
    res0_addr = bits(134, 25, Kind.LOCAL_ADDRESS)
    intr_en = bits(159, 1)
    opd0_addr = bits(160, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(192, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(224, 32, Kind.LOCAL_ADDRESS)


class ShortArithmetic(ShortTiuCommand, opcode=3, bits=512, form="sAR"):
    """Element-wise arithmetic."""

    operations = operations.ARITHMETIC
    opd0_const = bits(50, 1)
    opd1_const = bits(51, 1)
    opd2_const = bits(52, 1)
    tsk_opd_num = bits(53, 2)
    intr_en = bits(63, 1)
    res0_prec = bits(64, 3, ElementType)
    opd0_prec = bits(67, 3, ElementType)
    opd1_prec = bits(70, 3, ElementType)
    opd2_prec = bits(73, 3, ElementType)
    opd0_sign = bits(76, 1)
    opd1_sign = bits(77, 1)
    res0_str = bits(78, 3, Layout)
    opd0_str = bits(81, 3, Layout)
    opd1_str = bits(84, 3, Layout)
    opd2_n_str = bits(87, 3, Rounding)
    res0_n = bits(96, 16)
    res0_c = bits(112, 16)
    res0_h = bits(128, 16)
    res0_w = bits(144, 16)
    res0_addr = bits(160, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(192, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(224, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(256, 32, Kind.LOCAL_ADDRESS)
    res0_n_str = bits(288, 16, Kind.STRIDE)
    res0_c_str = bits(304, 16, Kind.STRIDE)
    opd0_n_str = bits(320, 16, Kind.STRIDE)
    opd0_c_str = bits(336, 16, Kind.STRIDE)
    opd1_n_str = bits(352, 16, Kind.STRIDE)
    opd1_c_str = bits(368, 16, Kind.STRIDE)
    res0_h_str = bits(384, 20, Kind.STRIDE)
    res0_w_str = bits(404, 20, Kind.STRIDE)
    opd0_h_str = bits(424, 20, Kind.STRIDE)
    opd2_sign = bits(444, 1)
    opd0_w_str = bits(448, 20, Kind.STRIDE)
    opd1_h_str = bits(468, 20, Kind.STRIDE)
    opd1_w_str = bits(488, 20, Kind.STRIDE)


class ShortRequantize(ShortTiuCommand, opcode=4, bits=256, form="sRQDQ"):
    """Requantize and dequantize."""

    operations = operations.REQUANTIZE
    opd0_sign = bits(50, 1)
    opd2_sign = bits(51, 1)
    res0_prec = bits(52, 3, ElementType)
    opd1_const = bits(63, 1)
    opd0_prec = bits(64, 3, ElementType)
    opd2_n_str = bits(67, 6)
    res0_addr = bits(73, 27, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(100, 27, Kind.LOCAL_ADDRESS)
    intr_en = bits(127, 1)
    res0_n = bits(128, 16)
    res0_c = bits(144, 16)
    res0_h = bits(160, 16)
    res0_w = bits(176, 16)
    opd1_addr = bits(192, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(224, 32, Kind.LOCAL_ADDRESS)


class ShortTranspose(ShortTiuCommand, opcode=5, bits=256, form="sTRANSBC"):
    """C-w transposes, copies between lanes, copies from static memory."""

    operations = operations.TRANSPOSE
    res0_prec = bits(50, 3, ElementType)
    intr_en = bits(63, 1)
    res0_n = bits(64, 16)
    res0_c = bits(80, 16)
    res0_h = bits(96, 16)
    res0_w = bits(112, 16)
    opd0_c = bits(128, 16)
    opd0_w = bits(144, 16)
    res0_addr = bits(192, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(224, 32, Kind.LOCAL_ADDRESS)


class ShortScatterGather(ShortTiuCommand, opcode=6, bits=384, form="sSG"):
    """Gather, scatter, masked select, nonzero, int8 tables."""

    operations = operations.SCATTER_GATHER
    opd3_const = bits(50, 1)
    intr_en = bits(51, 1)
    opd0_str = bits(52, 3, Layout)
    opd2_const = bits(63, 1)
    res0_n = bits(64, 16)
    res0_c = bits(80, 16)
    res0_h = bits(96, 16)
    res0_w = bits(112, 16)
    opd0_h = bits(128, 16)
    opd0_w = bits(144, 16)
    opd1_c = bits(160, 16)
    opd1_w = bits(176, 16)
    res0_prec = bits(192, 3, ElementType)
    res0_addr = bits(195, 29, Kind.LOCAL_ADDRESS)
    opd0_prec = bits(224, 3, ElementType)
    opd0_addr = bits(227, 29, Kind.LOCAL_ADDRESS)
    opd1_prec = bits(256, 3, ElementType)
    opd1_addr = bits(259, 29, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(288, 32, Kind.LOCAL_ADDRESS)
    res1_addr = bits(320, 32, Kind.LOCAL_ADDRESS)
    opd3_addr = bits(352, 32, Kind.LOCAL_ADDRESS)


class ShortScatterGatherLine(ShortTiuCommand, opcode=6, bits=384, form="sSGL"):
    """Gather, scatter and select whole lines."""

    operations = operations.SCATTER_GATHER_LINE
    opd3_const = bits(53, 1)
    intr_en = bits(54, 1)
    opd2_const = bits(63, 1)
    res0_prec = bits(64, 3, ElementType)
    opd1_prec = bits(67, 3, ElementType)
    opd0_str = bits(70, 3, Layout)
    res0_n = bits(80, 16)
    res0_c = bits(96, 16)
    res0_h = bits(112, 16)
    res0_w = bits(128, 16)
    opd0_h = bits(144, 16)
    res0_addr = bits(160, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(192, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(224, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(256, 32, Kind.LOCAL_ADDRESS)
    res1_addr = bits(288, 32, Kind.LOCAL_ADDRESS)


class ShortSegment(ShortTiuCommand, opcode=8, bits=128, form="sSEG"):
    """Segment; not settled, no compiler emits it."""

    operations = operations.SEGMENT
    res0_prec = bits(52, 3, ElementType)
    intr_en = bits(63, 1)
    res0_c = bits(64, 16)
    res0_w = bits(80, 16)
    res0_addr = bits(96, 32, Kind.LOCAL_ADDRESS)


class ShortSpecialFunction(ShortTiuCommand, opcode=9, bits=256, form="sSFU"):
    """Series, powers of two, inverse square root."""

    operations = operations.SPECIAL_FUNCTION
    intr_en = bits(63, 1)
    res0_prec = bits(64, 3, ElementType)
    opd0_prec = bits(67, 3, ElementType)
    opd2_n_str = bits(70, 2)
    res0_n = bits(80, 16)
    res0_c = bits(96, 16)
    res0_h = bits(112, 16)
    res0_w = bits(128, 16)
    opd1_n = bits(144, 16)
    res0_addr = bits(160, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(192, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(224, 32, Kind.LOCAL_ADDRESS)


class ShortLinear(ShortTiuCommand, opcode=10, bits=256, form="sLIN"):
    """Fused linear."""

    operations = operations.LINEAR
    opd1_const = bits(50, 1)
    opd2_const = bits(51, 1)
    res0_prec = bits(52, 3, ElementType)
    intr_en = bits(63, 1)
    res0_n = bits(64, 16)
    res0_c = bits(80, 16)
    res0_h = bits(96, 16)
    res0_w = bits(112, 16)
    res0_addr = bits(128, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(160, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(192, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(224, 32, Kind.LOCAL_ADDRESS)


class ShortCompare(ShortTiuCommand, opcode=13, bits=384, form="sCMP"):
    """Compare and select."""

    operations = operations.COMPARE
    opd0_const = bits(50, 1)
    opd1_const = bits(51, 1)
    opd2_const = bits(52, 1)
    opd3_const = bits(53, 1)
    intr_en = bits(63, 1)
    opd0_prec = bits(64, 3, ElementType)
    opd2_prec = bits(67, 3, ElementType)
    opd0_str = bits(70, 3, Layout)
    opd1_str = bits(73, 3, Layout)
    opd0_sign = bits(127, 1)
    res0_n = bits(128, 16)
    res0_c = bits(144, 16)
    res0_h = bits(160, 16)
    res0_w = bits(176, 16)
    res0_addr = bits(192, 32, Kind.LOCAL_ADDRESS)
    res1_addr = bits(224, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(256, 32, Kind.LOCAL_ADDRESS)
    opd1_addr = bits(288, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(320, 32, Kind.LOCAL_ADDRESS)
    opd3_addr = bits(352, 32, Kind.LOCAL_ADDRESS)


class ShortVectorPairs(ShortTiuCommand, opcode=14, bits=384, form="sVC"):
    """Vector with vector, all pairs."""

    operations = operations.VECTOR_PAIRS
    opd0_sign = bits(50, 1)
    opd1_sign = bits(51, 1)
    opd2_n_str = bits(52, 3, Rounding)
    intr_en = bits(63, 1)
    res0_prec = bits(64, 3, ElementType)
    opd0_prec = bits(67, 3, ElementType)
    opd1_prec = bits(70, 3, ElementType)
    res0_addr = bits(73, 32, Kind.LOCAL_ADDRESS)
    opd0_addr = bits(128, 32, Kind.LOCAL_ADDRESS)
    res0_c = bits(176, 16)
    res0_w = bits(192, 16)
    opd0_c = bits(208, 16)
    opd0_w = bits(224, 16)
    opd1_w = bits(240, 16)
    opd1_addr = bits(256, 32, Kind.LOCAL_ADDRESS)
    opd2_addr = bits(288, 32, Kind.LOCAL_ADDRESS)
