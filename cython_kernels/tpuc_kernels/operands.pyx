# cython: language_level=3
"""Operands of convolution, pooling and matrix multiply: types, shapes and parameters checked before the C loops see them."""
import numpy as np

cimport numpy as cnp
from libc.stdint cimport int64_t

cnp.import_array()


cdef cnp.ndarray array_of(a, dtype, int ndim, str what):
    """A contiguous array of that type and number of axes, or a ValueError."""
    a = np.asarray(a)
    if a.dtype != dtype or a.ndim != ndim:
        raise ValueError(f"{what}: {a.dtype} of {a.ndim} axes; {np.dtype(dtype)} of {ndim} would be right")
    return np.ascontiguousarray(a)


cdef cnp.ndarray per_channel(value, int64_t count, dtype, str what):
    """`count` values from one for all or one for each."""
    value = np.asarray(value)
    if value.ndim == 0:
        return np.full(count, value, dtype)
    if value.size != count:
        raise ValueError(f"{what}: {value.size} values; 1 or {count} would be right")
    return np.ascontiguousarray(value.reshape(-1), dtype)


cdef cnp.ndarray result_array(out, tuple shape, dtype):
    """`out` checked, or a new array."""
    if out is None:
        return np.empty(shape, dtype)
    if out.shape != shape or out.dtype != dtype or not out.flags.c_contiguous:
        raise ValueError(f"out: {out.dtype} {out.shape}; contiguous {np.dtype(dtype)} {shape} would be right")
    return out


cdef half_bits(a, str kind, str what):
    """Elements of kind "f16" or "bf16" as uint16 bit patterns. A Python number is taken for f16; for bf16 only 0."""
    a = np.asarray(a)
    if a.ndim == 0 and a.dtype in (np.int64, np.float64) and (kind == "f16" or a == 0):
        return a.astype(np.float16).view(np.uint16)
    if a.dtype.itemsize != 2 or (a.dtype == np.float16) != (kind == "f16"):
        raise ValueError(f"{what}: {a.dtype}; {'float16' if kind == 'f16' else 'bf16 (uint16 bit patterns)'} would be right")
    return np.ascontiguousarray(a).view(np.uint16).reshape(a.shape)


cdef cnp.ndarray widened(a, str kind, str what):
    """Elements of kind "f16" or "bf16" as float32, exactly."""
    bits = half_bits(a, kind, what)
    wide = bits.view(np.float16).astype(np.float32) if kind == "f16" else (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return np.asarray(wide)


cdef int check_memory(int status) except -1:
    if status:
        raise MemoryError("no memory for a copy of the operands")
    return 0
