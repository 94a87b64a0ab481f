"""The constants of an op as the chip wants them: one block of bytes, row by row the lanes of local memory.

Every constant of an op (filter, bias, requantization, table) becomes a section of the op's block, so that one transfer loads them
all. The sections of a lane follow each other at multiples of 64 bytes; a constant per channel has a slot for each of the
lane's channels (channel c: lane c mod 64, slot c div 64).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import prod

import ml_dtypes
import numpy as np

LANES = 64
EU_BYTES = 64


class Form(Enum):
    """How a constant lies in a lane."""

    GROUPED = "filter of 8 or 16 bits: of each output channel [ic/g][kh][kw][g], g elements in 64 bytes"
    COMPACT = "slots without gaps"
    ALIGNED = "slots at multiples of 64 bytes"
    EVERY_LANE = "the same content in every lane"


@dataclass(frozen=True)
class Constant:
    """One constant: `shape` begins with the channels, but for EVERY_LANE."""

    name: str
    form: Form
    shape: tuple[int, ...]
    storage: str

    @cached_property
    def slot_bytes(self) -> int:
        """Bytes of a slot in the lane, gaps included."""
        size = STORAGE[self.storage].itemsize
        if self.form is Form.GROUPED:
            _, ic, kh, kw = self.shape
            return -(-ic * size // EU_BYTES) * EU_BYTES * kh * kw
        count = prod(self.shape if self.form is Form.EVERY_LANE else self.shape[1:]) * size
        return -(-count // EU_BYTES) * EU_BYTES if self.form is Form.ALIGNED else count

    @cached_property
    def lane_bytes(self) -> int:
        """Bytes of the section in a lane, a multiple of 64."""
        slots = 1 if self.form is Form.EVERY_LANE else -(-self.shape[0] // LANES)
        return -(-self.slot_bytes * slots // EU_BYTES) * EU_BYTES

    def pack(self, array: np.ndarray, lanes: int) -> np.ndarray:
        """The section, uint8 [lanes, lane_bytes]."""
        array = typed(array, self.storage).reshape(self.shape)
        if self.form is Form.EVERY_LANE:
            rows = np.broadcast_to(array.reshape(1, -1).view(np.uint8), (lanes, self.slot_bytes))
            slots = 1
        else:
            slots = -(-self.shape[0] // LANES)
            rows = np.zeros((slots * LANES, self.slot_bytes), np.uint8)
            data = _grouped(array) if self.form is Form.GROUPED else array.reshape(self.shape[0], -1).view(np.uint8)
            rows[: self.shape[0], : data.shape[1]] = data
            rows = rows.reshape(slots, LANES, -1).transpose(1, 0, 2)[:lanes]
        section = np.zeros((lanes, self.lane_bytes), np.uint8)
        section[:, : slots * self.slot_bytes] = rows.reshape(lanes, -1)
        return section


def _grouped(array: np.ndarray) -> np.ndarray:
    oc, ic, kh, kw = array.shape
    together = EU_BYTES // array.itemsize
    groups = -(-ic // together)
    padded = np.zeros((oc, groups * together, kh, kw), array.dtype)
    padded[:, :ic] = array
    return np.ascontiguousarray(padded.reshape(oc, groups, together, kh, kw).transpose(0, 1, 3, 4, 2)).reshape(oc, -1).view(np.uint8)


STORAGE = {
    "f32": np.dtype(np.float32), "f16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16), "i8": np.dtype(np.int8), "u8": np.dtype(np.uint8), "i16": np.dtype(np.int16),
    "u16": np.dtype(np.uint16), "i32": np.dtype(np.int32), "u32": np.dtype(np.uint32),
}
FLOATS = ("f32", "f16", "bf16")
HALVES = ("f16", "bf16")


def typed(array: np.ndarray, storage: str) -> np.ndarray:
    """The array, contiguous, with elements of that storage; uint16 are the bits of f16 and bf16, as weights hold them."""
    if storage in HALVES and array.dtype == np.uint16:
        return np.ascontiguousarray(array).view(STORAGE[storage])
    return np.ascontiguousarray(array, STORAGE[storage])


def immediate(value: float, storage: str) -> np.ndarray:
    """A number as an array of no dimensions; what a float type cannot hold becomes an infinity, a fraction of an integer is cut."""
    if storage not in FLOATS:
        return np.array(int(value), STORAGE[storage])
    with np.errstate(over="ignore"):
        return np.array(value, np.float32).astype(STORAGE[storage])


@dataclass(frozen=True)
class Block:
    """The sections of a block, each with its offset in the lane."""

    constants: tuple[Constant, ...]
    lanes: int

    @staticmethod
    def of(constants: Sequence[Constant], channels: int) -> Block:
        """The block of constants of an op with that many channels."""
        return Block(tuple(constants), min(LANES, channels))

    @cached_property
    def lane_bytes(self) -> int:
        return sum(c.lane_bytes for c in self.constants)

    @property
    def size_bytes(self) -> int:
        return self.lanes * self.lane_bytes

    def offsets(self) -> dict[str, int]:
        """Offset of each section in the lane, by name."""
        result, offset = {}, 0
        for constant in self.constants:
            result[constant.name] = offset
            offset += constant.lane_bytes
        return result

    def pack(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """The block's bytes, uint8 [lanes * lane_bytes]."""
        sections = [c.pack(arrays[c.name], self.lanes) for c in self.constants]
        return np.concatenate(sections, axis=1).reshape(-1) if sections else np.zeros(0, np.uint8)
