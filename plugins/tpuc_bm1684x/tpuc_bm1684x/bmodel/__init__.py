"""The chip's file format: read, write, and this project's own section in it."""

from tpuc_bm1684x.bmodel.content import (
    CHIP,
    GLOBAL_MEMORY,
    Bmodel,
    CommandGroup,
    Net,
    Stage,
    SubNet,
    Tensor,
    WeightLocation,
)
from tpuc_bm1684x.bmodel.reader import read_bmodel
from tpuc_bm1684x.bmodel.section import Section
from tpuc_bm1684x.bmodel.writer import encode_bmodel, padded_stream, write_bmodel

__all__ = [
    "CHIP",
    "GLOBAL_MEMORY",
    "Bmodel",
    "CommandGroup",
    "Net",
    "Section",
    "Stage",
    "SubNet",
    "Tensor",
    "WeightLocation",
    "encode_bmodel",
    "padded_stream",
    "read_bmodel",
    "write_bmodel",
]
