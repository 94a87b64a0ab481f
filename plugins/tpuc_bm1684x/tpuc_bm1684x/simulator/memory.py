"""The memories of the chip as arrays of bytes, and the windows that commands have on them."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tpuc_bm1684x.isa.memory_map import (
    EU_BYTES,
    GLOBAL_BASE,
    L2_BASE,
    L2_BYTES,
    LANE_BYTES,
    LANES,
    LOCAL_BASE,
    LOCAL_BYTES,
    STATIC_BASE,
    STATIC_BYTES,
)
from tpuc_core.errors import TpucError
from tpuc_core.npz import load_npy

ALL_LANES = (1 << 64) - 1
LOCAL_ADDRESS_MASK = LOCAL_BYTES - 1
"""TIU commands look at these bits of an address only."""

Shape = tuple[int, int, int, int]


def static_tables() -> np.ndarray:
    """The chip's function tables, 32-bit words from the start of static memory: powers of e, series."""
    return load_npy(Path(__file__).with_name("static_memory.npy"))


class Place(NamedTuple):
    """An address of a GDMA command: the memory's bytes and the offset in them (local: lane * LANE_BYTES + offset)."""

    space: str
    buffer: np.ndarray
    offset: int

    @property
    def is_local(self) -> bool:
        return self.space == "local"


class Memory:
    """All memories of one chip; global memory has the size that the file needs and starts as zeros."""

    def __init__(self, global_bytes: int):
        self.local = np.zeros((LANES, LANE_BYTES), np.uint8)
        self.static = np.zeros(STATIC_BYTES, np.uint8)
        self.global_memory = np.zeros(global_bytes, np.uint8)
        tables = static_tables().view(np.uint8)
        self.static[: tables.size] = tables

    @cached_property
    def l2(self) -> np.ndarray:
        """L2 SRAM; few files use it."""
        return np.zeros(L2_BYTES, np.uint8)

    def place(self, address: int) -> Place:
        """Where a 40-bit address lies. TpucError for an address in no memory."""
        if address >= GLOBAL_BASE:
            return Place("global", self.global_memory, address - GLOBAL_BASE)
        if LOCAL_BASE <= address < LOCAL_BASE + LOCAL_BYTES:
            return Place("local", self.local, address - LOCAL_BASE)
        if STATIC_BASE <= address < STATIC_BASE + STATIC_BYTES:
            return Place("static", self.static, address - STATIC_BASE)
        if L2_BASE <= address < L2_BASE + L2_BYTES:
            return Place("L2", self.l2, address - L2_BASE)
        raise TpucError(f"address {address:#x} lies in no memory")

    def global_view(self, address: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """A compact tensor in global memory as an array that shares its bytes."""
        offset, size = address - GLOBAL_BASE, math.prod(shape) * dtype.itemsize
        if offset < 0 or offset + size > self.global_memory.size:
            raise TpucError(
                f"a tensor of {size} bytes at {address:#x} lies outside "
                f"the {self.global_memory.size} bytes of global memory"
            )
        return self.global_memory[offset : offset + size].view(dtype).reshape(shape)


def split_local(address: int) -> tuple[int, int]:
    """Lane, and offset in it, of an address in local memory."""
    return divmod(address & LOCAL_ADDRESS_MASK, LANE_BYTES)


def aligned(shape: Shape, size_bytes: int, lane: int) -> Shape:
    """Strides in elements of the layout whose channels start at multiples of 64 bytes."""
    _, c, h, w = shape
    unit = EU_BYTES // size_bytes
    channel = -(-h * w // unit) * unit
    return -(-(lane + c) // LANES) * channel, channel, w, 1


def compact(shape: Shape, size_bytes: int, lane: int) -> Shape:
    """Strides in elements of the layout without padding between channels."""
    _, c, h, w = shape
    return -(-(lane + c) // LANES) * h * w, h * w, w, 1


def line_aligned(shape: Shape, size_bytes: int, lane: int) -> Shape:
    """Strides in elements of the layout whose rows start at multiples of 64 bytes."""
    _, c, h, w = shape
    unit = EU_BYTES // size_bytes
    row = -(-w // unit) * unit
    return -(-(lane + c) // LANES) * h * row, h * row, row, 1


def last_byte(shape: Shape, strides: Shape, size_bytes: int, lane: int, offset: int) -> int:
    """The byte of a lane where a tensor in local memory ends (exclusive)."""
    n, c, h, w = shape
    slots = (lane + c - 1) // LANES
    last = (n - 1) * strides[0] + slots * strides[1] + (h - 1) * strides[2] + (w - 1) * strides[3]
    return offset + (last + 1) * size_bytes
