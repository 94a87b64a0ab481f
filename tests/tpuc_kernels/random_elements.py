"""Random tensors for comparisons: mostly ordinary values, now and then those that break arithmetic."""

from __future__ import annotations

import numpy as np

SPECIAL_F32 = np.array([0, 1 << 31, 1, 0x7FFFFF, 0x800000, 0x80800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x80000001], np.uint32)
INFINITIES = np.array([0x7F800000, 0xFF800000], np.uint32)
PERIOD = 9973
NANS = np.array([0x7F800001, 0x7FC00000, 0xFFC01234, 0xFF800003, 0x7FFFFFFF], np.uint32)


def f32(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """float32 near one, sometimes far from it; zeros, denormals, extremes; sometimes infinities and NaNs."""
    spread = int(rng.integers(0, 12))
    bits = (rng.standard_normal(shape) * 2.0 ** rng.integers(-spread, spread + 1, shape)).astype(np.float32).view(np.uint32)
    if rng.random() < 0.2:
        bits = (bits & 0x807FFFFF) | rng.integers(0, 255, shape).astype(np.uint32) << 23
    if rng.random() < 0.04:  # nothing but zeros, mostly negative ones
        return np.where(rng.random(shape) < 0.1, np.float32(0), np.float32(-0.0))
    special = [SPECIAL_F32]
    if rng.random() < 0.3:
        special.append(INFINITIES)
    if rng.random() < 0.3:
        special.append(NANS)
    choice = np.concatenate(special)
    chance = float(rng.choice([0, 0.005, 0.02, 0.2]))
    return np.where(rng.random(shape) < chance, choice[rng.integers(0, choice.size, shape)], bits).view(np.float32)


def halves(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """float16 ("f16"), or uint16 bit patterns ("bf16"): like f32, with denormals of the type, sometimes any bits."""
    bits = f32(rng, shape).view(np.uint32)
    if kind == "bf16":
        bits = (bits >> 16).astype(np.uint16)
    else:
        with np.errstate(over="ignore"):
            bits = bits.view(np.float32).astype(np.float16).view(np.uint16)
    chance = float(rng.choice([0, 0, 0.01, 0.1]))
    any_bits = rng.integers(0, 1 << 16, shape).astype(np.uint16)
    if rng.random() < 0.7:  # finite ones
        any_bits &= 0xBFFF if kind == "bf16" else 0xFBFF
    bits = np.where(rng.random(shape) < chance, any_bits, bits)
    return bits if kind == "bf16" else bits.view(np.float16)


def integers(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Integers of the whole range, of a small one, or mostly extremes."""
    info = np.iinfo(dtype)
    kind = rng.random()
    if kind < 0.4:
        return rng.integers(info.min, int(info.max) + 1, shape).astype(dtype)
    if kind < 0.8:
        return rng.integers(max(info.min, -4), 5, shape).astype(dtype)
    return np.array([info.min, info.max, 0, 1, info.max], dtype)[rng.integers(0, 5, shape)]


def lane_bytes(rng: np.random.Generator, size: int, dtype: np.dtype | type | str) -> np.ndarray:
    """uint8 [64, size]: random elements of that type ("f16" and "bf16" by name) for all lanes. A period that shares no factor with lanes keeps it quick."""
    if dtype in ("f16", "bf16"):
        return np.resize(halves(rng, (PERIOD,), str(dtype)), (64, size // 2)).view(np.uint8)
    dtype = np.dtype(dtype)
    few = f32(rng, (PERIOD,)) if dtype == np.float32 else integers(rng, (PERIOD,), dtype)
    return np.resize(few, (64, size // dtype.itemsize)).view(np.uint8)
