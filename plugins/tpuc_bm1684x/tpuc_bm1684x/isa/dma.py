"""GDMA commands. Addresses have 40 bits; strides and the length of a linear move count elements."""

from __future__ import annotations

from tpuc_bm1684x.isa import operations
from tpuc_bm1684x.isa.fields import Command, bits
from tpuc_bm1684x.isa.kinds import ElementType, Kind
from tpuc_bm1684x.isa.tiu import ALL_LANES


class DmaCommand(Command):
    """What every GDMA command has."""

    engine = "gdma"

    intr_en = bits(0, 1)
    stride_enable = bits(1, 1, doc="0: strides follow from the shape")
    nchw_copy = bits(2, 1, doc="1: the destination has the sizes of the source")
    cmd_short = bits(3, 1, doc="1 for the short forms")
    decompress_enable = bits(4, 1)
    cmd_id_en = bits(5, 4, default=1)
    cmd_id = bits(9, 20, doc="number of the command in its stream, from 1")
    cmd_type = bits(32, 4, doc="opcode")
    cmd_special_function = bits(36, 3, doc="operation")
    fill_constant_en = bits(39, 1, doc="1: the source is `constant_value`")
    src_data_format = bits(40, 3, ElementType)
    cmd_id_dep = bits(64, 20, doc="the TIU has finished its command of this number (0: no wait)")

    @property
    def operation(self) -> str:
        """The name of `cmd_special_function`; "fill" for a constant."""
        name = self.operations.get(self.cmd_special_function, f"function {self.cmd_special_function}")
        return "fill" if self.fill_constant_en and self.cmd_special_function == 0 else name

    def __init_subclass__(cls, *, opcode: int | None = None, **settings: int) -> None:
        if opcode is not None:
            settings["cmd_type"] = opcode
        super().__init_subclass__(opcode=opcode, **settings)


class LongDmaCommand(DmaCommand, cmd_short=0):
    """What all long forms have."""

    constant_value = bits(96, 32)
    src_start_addr = bits(512, 40, Kind.ADDRESS)
    dst_start_addr = bits(576, 40, Kind.ADDRESS)
    localmem_mask = bits(
        704, 64, Kind.LANE_MASK, default=ALL_LANES, doc="lanes of a local destination that are written"
    )


class StridedDmaCommand(LongDmaCommand, cmd_short=0):
    """Sizes and strides of both sides."""

    src_nstride = bits(128, 32, Kind.STRIDE)
    src_cstride = bits(160, 32, Kind.STRIDE)
    src_hstride = bits(192, 32, Kind.STRIDE)
    src_wstride = bits(224, 32, Kind.STRIDE)
    dst_nstride = bits(256, 32, Kind.STRIDE)
    dst_cstride = bits(288, 32, Kind.STRIDE)
    dst_hstride = bits(320, 32, Kind.STRIDE)
    dst_wstride = bits(352, 32, Kind.STRIDE)
    src_nsize = bits(384, 16)
    src_csize = bits(400, 16)
    src_hsize = bits(416, 16)
    src_wsize = bits(432, 16)
    dst_nsize = bits(448, 16)
    dst_csize = bits(464, 16)
    dst_hsize = bits(480, 16)
    dst_wsize = bits(496, 16)


class DmaTensor(StridedDmaCommand, opcode=0, bits=768, form="DMA_tensor"):
    """Copy, transpose, broadcast or fill of a tensor of four dimensions."""

    operations = operations.DMA_TENSOR


class DmaMatrix(StridedDmaCommand, opcode=1, bits=768, form="DMA_matrix"):
    """A matrix between rows in another memory and rows over the lanes of local memory."""

    operations = operations.DMA_MATRIX


class DmaMaskedSelect(StridedDmaCommand, opcode=2, bits=768, form="DMA_masked_select"):
    """The elements whose mask element is set, packed."""

    operations = operations.DMA_MASKED_SELECT
    mask_data_format = bits(43, 3, ElementType)
    mask_start_addr = bits(640, 40, Kind.ADDRESS)


class DmaGeneral(StridedDmaCommand, opcode=3, bits=768, form="DMA_general"):
    """A linear move, local memory taken as one range over its lanes."""

    operations = operations.DMA_GENERAL
    src_cstride = bits(160, 32, doc="length of the move in elements")


class DmaCwTranspose(StridedDmaCommand, opcode=4, bits=768, form="DMA_cw_transpose"):
    """Exchange of c and w."""

    operations = operations.DMA_CW_TRANSPOSE


class DmaNonzero(StridedDmaCommand, opcode=5, bits=768, form="DMA_nonzero"):
    """The flat indices of set elements, packed."""

    operations = operations.DMA_NONZERO
    index_data_format = bits(43, 3, ElementType)
    dst_nstride = bits(256, 32, doc="added to each index")


class DmaRows(LongDmaCommand, cmd_short=0):
    """Fields of gather and scatter: rows picked along h by an index tensor."""

    src_cstride = bits(128, 32, Kind.STRIDE)
    src_hstride = bits(160, 32, Kind.STRIDE)
    dst_cstride = bits(192, 32, Kind.STRIDE)
    dst_hstride = bits(224, 32, Kind.STRIDE)
    index_cstride = bits(256, 32, Kind.STRIDE)
    index_hstride = bits(288, 32, Kind.STRIDE)
    src_csize = bits(336, 16)
    src_hsize = bits(352, 32)
    src_wsize = bits(384, 16)
    dst_csize = bits(400, 16)
    dst_hsize = bits(416, 32)
    dst_wsize = bits(448, 16)
    index_csize = bits(464, 16)
    index_hsize = bits(480, 32)
    index_start_addr = bits(640, 40, Kind.ADDRESS)


class DmaGather(DmaRows, opcode=7, bits=768, form="DMA_gather"):
    """dst[c, i] = src[c, index[c, i]]; the constant where the index is out of range."""

    operations = operations.DMA_GATHER


class DmaScatter(DmaRows, opcode=8, bits=768, form="DMA_scatter"):
    """dst[c, index[c, i]] = src[c, i]."""

    operations = operations.DMA_SCATTER


class ShortDmaCommand(DmaCommand, cmd_short=1):
    """Base of the short forms. Compiled streams hold none but the system command: the runtime steps by 96 bytes."""


class ShortDmaMatrix(ShortDmaCommand, opcode=1, bits=512, form="sDMA_matrix"):
    """DMA_matrix; `outside` is the side that is not local."""

    operations = operations.DMA_MATRIX
    outside_hstride = bits(96, 32, Kind.STRIDE)
    local_nstride = bits(128, 32, Kind.STRIDE)
    local_cstride = bits(160, 32, Kind.STRIDE)
    outside_hsize = bits(192, 16)
    outside_wsize = bits(208, 16)
    local_nsize = bits(224, 16)
    local_csize = bits(240, 16)
    local_wsize = bits(256, 16)
    src_start_addr = bits(288, 40, Kind.ADDRESS)
    dst_start_addr = bits(352, 40, Kind.ADDRESS)
    localmem_mask = bits(448, 64, Kind.LANE_MASK, default=ALL_LANES)


class ShortDmaMaskedSelect(ShortDmaCommand, opcode=2, bits=512, form="sDMA_masked_select"):
    """DMA_masked_select."""

    operations = operations.DMA_MASKED_SELECT
    mask_data_format = bits(43, 3, ElementType)
    src_nsize = bits(96, 16)
    src_csize = bits(112, 16)
    src_hsize = bits(128, 16)
    src_wsize = bits(144, 16)
    dst_nsize = bits(160, 16)
    dst_csize = bits(176, 16)
    dst_hsize = bits(192, 16)
    dst_wsize = bits(208, 16)
    src_start_addr = bits(224, 40, Kind.ADDRESS)
    dst_start_addr = bits(288, 40, Kind.ADDRESS)
    mask_start_addr = bits(352, 40, Kind.ADDRESS)


class ShortDmaGeneral(ShortDmaCommand, opcode=3, bits=384, form="sDMA_general"):
    """DMA_general."""

    operations = operations.DMA_GENERAL
    constant_value = bits(96, 32)
    src_cstride = bits(128, 32, doc="length of the move in elements")
    dst_csize = bits(160, 16)
    src_start_addr = bits(192, 40, Kind.ADDRESS)
    dst_start_addr = bits(256, 40, Kind.ADDRESS)
    localmem_mask = bits(320, 64, Kind.LANE_MASK, default=ALL_LANES)


class ShortDmaNonzero(ShortDmaCommand, opcode=5, bits=384, form="sDMA_nonzero"):
    """DMA_nonzero."""

    operations = operations.DMA_NONZERO
    index_data_format = bits(43, 3, ElementType)
    dst_nstride = bits(96, 32, doc="added to each index")
    src_nsize = bits(128, 16)
    src_csize = bits(144, 16)
    src_hsize = bits(160, 16)
    src_wsize = bits(176, 16)
    src_start_addr = bits(192, 40, Kind.ADDRESS)
    dst_start_addr = bits(256, 40, Kind.ADDRESS)


class DmaSystem(ShortDmaCommand, opcode=6, bits=128, form="sDMA_sys"):
    """End of a stream; 16 bytes."""

    operations = operations.DMA_SYSTEM
    constant_value = bits(96, 32)
