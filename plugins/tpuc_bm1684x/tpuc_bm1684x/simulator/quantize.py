"""Between the real numbers of a user and the stored numbers at the ends of a net."""

from __future__ import annotations

import numpy as np

from tpuc_bm1684x.bmodel import Tensor
from tpuc_core.errors import TpucError

FLOATS = ("f32", "f16", "bf16")
INTEGER_LIMITS = {
    "i8": (-128, 127),
    "u8": (0, 255),
    "i16": (-32768, 32767),
    "u16": (0, 65535),
    "i4": (-8, 7),
    "u4": (0, 15),
}


def stored(value: np.ndarray, tensor: Tensor) -> np.ndarray:
    """The input as the net takes it: round_half_away(real * scale + zero_point) for integers. Values of the stored
    dtype pass unchanged; int64 and bool are real numbers where
    the net takes floats. TpucError for another shape, or for a dtype that is neither real nor the stored one."""
    if value.shape != tensor.shape:
        raise TpucError(f'input "{tensor.name}" has the shape {list(value.shape)}; {list(tensor.shape)} would be right')
    if value.dtype == tensor.numpy_dtype:
        return value
    if tensor.dtype in ("i32", "u32") and value.dtype.kind in "iub":
        return value.astype(tensor.numpy_dtype)
    if tensor.dtype in FLOATS and value.dtype.name in ("bool", "int64"):  # no net stores these: real numbers
        value = value.astype(np.float32)
    if value.dtype.kind != "f" and value.dtype.name != "bfloat16":
        right = " or ".join(dict.fromkeys(("float32", tensor.numpy_dtype.name)))
        raise TpucError(f'input "{tensor.name}" is {value.dtype}; {right} would be right')
    real = value.astype(np.float32)
    if tensor.dtype == "f32":
        return real
    if tensor.dtype == "f16":
        return real.astype(np.float16)
    if tensor.dtype == "bf16":
        return bfloat16_bits(real)
    if tensor.dtype not in INTEGER_LIMITS:
        raise TpucError(f'input "{tensor.name}" is stored as {tensor.dtype}; give it as {tensor.numpy_dtype}')
    scaled = real * np.float32(tensor.scale) + np.float32(tensor.zero_point)
    rounded = np.copysign(np.floor(np.abs(scaled) + np.float32(0.5)), scaled)
    return np.clip(rounded, *INTEGER_LIMITS[tensor.dtype]).astype(tensor.numpy_dtype)


def dequantized(raw: np.ndarray, storage: str, scale: float, zero_point: int) -> np.ndarray:
    """Stored numbers as real ones, float32: (stored - zero_point) * scale for 8-bit integers, the value of floats;
    wider integers stay as they are."""
    if storage == "bf16":
        return (raw.astype(np.uint32) << 16).view(np.float32)
    if storage == "f16":
        return raw.astype(np.float32)
    if storage in ("i8", "u8", "i4", "u4"):
        return (raw.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
    return raw


def bfloat16_bits(real: np.ndarray) -> np.ndarray:
    """float32 rounded to bf16, to the nearest and ties to even, as bit patterns in uint16; NaN stays NaN."""
    bits = np.ascontiguousarray(real).view(np.uint32)
    rounded = (bits.astype(np.uint64) + 0x7FFF + (bits >> 16 & 1) >> 16).astype(np.uint16)
    return np.where(np.isnan(real), (bits >> 16 | 0x40).astype(np.uint16), rounded)
