"""What the numbers in command fields stand for."""

from __future__ import annotations

from enum import Enum, IntEnum

import numpy as np


class ElementType(IntEnum):
    """Element type of an operand (`*_prec`) or of a GDMA move (`*_data_format`)."""

    I8 = 0
    F16 = 1
    F32 = 2
    I16 = 3
    I32 = 4
    BF16 = 5
    I4 = 6

    @property
    def size_bytes(self) -> int:
        """Bytes of an element; i4 has none of its own and is moved as i8."""
        return (1, 2, 4, 2, 4, 2, 1)[self]

    @property
    def is_float(self) -> bool:
        """f16, f32 or bf16."""
        return self in (ElementType.F16, ElementType.F32, ElementType.BF16)

    def numpy(self, is_signed: bool = True) -> np.dtype:
        """The numpy dtype of the elements; bf16 is held as its bit pattern in uint16."""
        names = {ElementType.F16: "float16", ElementType.F32: "float32", ElementType.BF16: "uint16"}
        return np.dtype(names.get(self, f"{'' if is_signed else 'u'}int{8 * self.size_bytes}"))


class Layout(IntEnum):
    """How a tensor lies in local memory (`*_str`)."""

    ALIGNED = 0
    COMPACT = 1
    BROADCAST = 2
    STRIDED = 3
    PER_LANE = 4


class PadMode(IntEnum):
    """What lies around the input of a window (`pad_mode`)."""

    VALUE = 0
    REFLECT = 1
    EDGE = 2
    CIRCULAR = 3


class Rounding(IntEnum):
    """How a number between two results is rounded (mostly `opd2_n_str`)."""

    HALF_TO_EVEN = 0
    HALF_AWAY = 1
    TO_ZERO = 2
    DOWN = 3
    UP = 4
    HALF_UP = 5
    HALF_DOWN = 6


class Kind(Enum):
    """Other kinds of fields; the text is how docs/isa calls them."""

    NUMBER = "number"
    FLAG = "flag"
    LOCAL_ADDRESS = "local address or constant"
    ADDRESS = "address, 40 bits"
    LANE_MASK = "one bit a lane"
    STRIDE = "stride in elements"
