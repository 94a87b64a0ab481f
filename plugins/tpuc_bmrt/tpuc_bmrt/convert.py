"""Between the arrays of a user and the stored values of a net's ends."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np

from tpuc_bmrt.runtime import End
from tpuc_core.errors import TpucError
from tpuc_core.session import TensorInfo

NUMPY_NAMES = {
    "f32": "float32", "f16": "float16", "bf16": "bfloat16", "i8": "int8", "u8": "uint8", "i16": "int16",
    "u16": "uint16", "i32": "int32", "u32": "uint32",
}  # fmt: skip


def describe(end: End, *, is_input: bool) -> TensorInfo:
    """The end as every runner describes it: the scale always from stored to real."""
    scale = end.scale if not is_input or not end.scale else 1.0 / end.scale
    return TensorInfo(end.name, end.shape, NUMPY_NAMES[end.dtype], scale, end.zero_point)


def to_stored(array: np.ndarray, end: End) -> np.ndarray:
    """The stored values of an input, contiguous, bf16 as uint16. Raises TpucError: wrong size, integers of another
    type."""
    array = np.asarray(array)
    if array.size != math.prod(end.shape):
        raise TpucError(f'input "{end.name}" has shape {list(array.shape)}, the net wants {list(end.shape)}')
    stored = np.dtype("uint16" if end.dtype == "bf16" else NUMPY_NAMES[end.dtype])
    if array.dtype == stored:
        return np.ascontiguousarray(array.reshape(end.shape))
    if array.dtype.kind in "iu" and end.dtype in ("i32", "u32"):
        return np.ascontiguousarray(_within(array, stored, end).reshape(end.shape))
    if end.dtype in ("f32", "f16", "bf16") and array.dtype.name in ("bool", "int64"):  # no net stores these: real numbers
        array = array.astype(np.float32)
    if array.dtype.kind != "f":
        raise TpucError(f'input "{end.name}" is {array.dtype}; give {stored} as it is stored, or float32')
    real = np.ascontiguousarray(array.reshape(end.shape), dtype=np.float32)
    if end.dtype == "bf16":
        return real.astype(ml_dtypes.bfloat16).view(np.uint16)
    return real.astype(stored) if stored.kind == "f" else _quantize(real, end, stored)


def _within(array: np.ndarray, stored: np.dtype, end: End) -> np.ndarray:
    limits = np.iinfo(stored)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        raise TpucError(f'input "{end.name}" has values outside {stored}')
    return array.astype(stored)


def _quantize(real: np.ndarray, end: End, stored: np.dtype) -> np.ndarray:
    """round half away from zero, in float32 as the vendor's own tools do."""
    value = real * np.float32(end.scale) + np.float32(end.zero_point)
    limits = np.iinfo(stored)
    return np.clip(np.sign(value) * np.floor(np.abs(value) + np.float32(0.5)), limits.min, limits.max).astype(stored)


def from_raw(raw: np.ndarray, end: End, *, dequantize: bool) -> np.ndarray:
    """An output's array out of its bytes; with `dequantize` real float32 values, else stored ones, bf16 as uint16."""
    dtype = np.dtype("uint16" if end.dtype == "bf16" else NUMPY_NAMES[end.dtype])
    stored = raw[: math.prod(end.shape) * dtype.itemsize].view(dtype).reshape(end.shape)
    if not dequantize or end.dtype in ("f32", "i32", "u32"):
        return stored
    if end.dtype == "bf16":
        return stored.view(ml_dtypes.bfloat16).astype(np.float32)
    if dtype.kind == "f":
        return stored.astype(np.float32)
    return (stored.astype(np.float32) - np.float32(end.zero_point)) * np.float32(end.scale)
