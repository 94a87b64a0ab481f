"""Where the memories of the BM1684X lie, and their sizes (docs/isa/memory.md is made from this)."""

from __future__ import annotations

from dataclasses import dataclass

LANES = 64
LANE_BYTES = 256 * 1024
BANKS = 16
BANK_BYTES = LANE_BYTES // BANKS
EU_BYTES = 64
"""Bytes that the execution units of one lane take per cycle; rows of the aligned layout start at multiples of it."""

LOCAL_BASE = 0x0800_0000
LOCAL_BYTES = LANES * LANE_BYTES
STATIC_BASE = 0x0900_0000
STATIC_BYTES = 16 * 1024
L2_BASE = 0x1000_0000
L2_BYTES = 0x1F_B000
GLOBAL_BASE = 0x1_0000_0000
ADDRESS_BITS = 40


@dataclass(frozen=True)
class Region:
    """One memory: first address, size in bytes (None: as large as the file needs), what it is for."""

    name: str
    base: int
    size_bytes: int | None
    purpose: str

    def __contains__(self, address: int) -> bool:
        return self.base <= address and (self.size_bytes is None or address < self.base + self.size_bytes)


REGIONS = (
    Region(
        "local", LOCAL_BASE, LOCAL_BYTES, "64 lanes of 256 KiB; lane i starts at base + i * 0x40000; 16 banks a lane"
    ),
    Region("static", STATIC_BASE, STATIC_BYTES, "function tables: powers of e, coefficients of series"),
    Region("L2", L2_BASE, L2_BYTES, "on-chip memory that only the GDMA reaches"),
    Region("global", GLOBAL_BASE, None, "DDR: coefficients, inputs, outputs, and what does not fit local memory"),
)


def region_of(address: int) -> Region | None:
    """The memory that a 40-bit address of a GDMA command lies in, or None."""
    return next((region for region in REGIONS if address in region), None)


def local_address(lane: int, offset: int) -> int:
    """The address in local memory, as TIU commands take it (without LOCAL_BASE, which they ignore)."""
    return lane * LANE_BYTES + offset
