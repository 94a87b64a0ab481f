"""The instruction set of the BM1684X, declared once."""

from tpuc_bm1684x.isa.disassemble import disassemble
from tpuc_bm1684x.isa.kinds import ElementType, Layout, PadMode, Rounding
from tpuc_bm1684x.isa.stream import ALL_FORMS, FORM_BY_NAME, decode_stream, end_command, form_at, join_stream, walk

__all__ = [
    "ALL_FORMS",
    "FORM_BY_NAME",
    "ElementType",
    "Layout",
    "PadMode",
    "Rounding",
    "decode_stream",
    "disassemble",
    "end_command",
    "form_at",
    "join_stream",
    "walk",
]
