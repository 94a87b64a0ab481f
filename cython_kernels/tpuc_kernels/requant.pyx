# cython: language_level=3, boundscheck=False, wraparound=False
"""Requantization and dequantization (the chip's RQDQ instruction) on arrays [n, c, ...].

Parameters are one number, [c] per channel (axis 1), or arrays that broadcast. A shift is signed: to the left where
positive, to the right with rounding where negative. Rounding modes: 0 half to even, 1 half away from zero, 2 to zero,
3 down, 4 up, 5 half up, 6 half down, 7 as 3.
"""
import numpy as np

cimport numpy as cnp
from libc.stdint cimport int64_t

from tpuc_kernels.dispatch cimport use_avx2
from tpuc_kernels.elements cimport *

from tpuc_kernels.elements import NAMES

cnp.import_array()

cdef extern from "requant.h":
    enum requant_operation:
        REQUANT_INT, REQUANT_FLOAT, DEQUANT_INT, DEQUANT_FLOAT
    ctypedef struct requant_options:
        int operation, rounding, float_rounding
        int64_t low, high
    void requant_run "REQUANT_RUN"(bint, grid *, const requant_options *) nogil

cdef tuple LOW = (-128, 0, -32768, 0, -(1 << 31), 0)
cdef tuple HIGH = (127, 255, 32767, 65535, (1 << 31) - 1, (1 << 32) - 1)


cdef cnp.ndarray parameter(values, dtype):
    return values if isinstance(values, np.ndarray) and values.dtype == dtype else np.asarray(values, dtype)


cdef run(requant_options *o, cnp.ndarray x, tuple kinds, dtype, parameters, tuple parameter_kinds, bint limits_16_bits,
         out):
    cdef grid g
    cdef bint simd = use_avx2
    cdef int kind_x = kind_of(x, False), kind = kind_named(dtype, False), limit = kind
    if kind_x not in kinds:
        raise ValueError(f"operand of dtype {x.dtype}: {' or '.join(NAMES[k] for k in kinds)} would be right")
    if not 0 <= o.rounding <= 7 or not 0 <= o.float_rounding <= 4:
        raise ValueError("no such rounding mode")
    if (kind == KIND_F32) != (o.operation == DEQUANT_FLOAT) or kind in (KIND_F16, KIND_BF16):
        wanted = "f32" if o.operation == DEQUANT_FLOAT else "an integer"
        raise ValueError(f"result of kind {NAMES[kind]}: {wanted} would be right")
    if kind != KIND_F32:
        if kind >= KIND_I32:
            # a 32-bit result of a requantization has the range of 16 bits, one of a dequantization is always signed
            limit = kind - 2 if limits_16_bits else KIND_I32
        o.low, o.high = LOW[limit], HIGH[limit]
    cdef cnp.ndarray r = result_array(&g, out, kind, x, None)
    add_operand(&g, x, kind_x)
    for values, parameter_kind in zip(parameters, parameter_kinds):
        add_parameter(&g, values, parameter_kind)
    with nogil:
        requant_run(simd, &g, o)
    return r


def requantize_int(cnp.ndarray x not None, multiplier, shift, zero_point=0, dtype=np.int8, int rounding=0, *, out=None):
    """sat(x * multiplier * 2**shift + zero_point): x i16, u16, i32; multiplier int32, shift int8, zero_point 16 bits.

    dtype: an 8- or 16-bit integer, or i32, u32, which hold the range of i16, u16."""
    cdef requant_options o
    o.operation, o.rounding, o.float_rounding = REQUANT_INT, rounding, 0
    return run(&o, x, (KIND_I16, KIND_U16, KIND_I32), dtype,
               (parameter(multiplier, np.int32), parameter(shift, np.int8), parameter(zero_point, np.int32)),
               (KIND_I32, KIND_I8, KIND_I32), True, out)


def requantize_float(cnp.ndarray x not None, scale, offset=0.0, dtype=np.int8, int rounding=0, int float_rounding=0, *,
                     out=None):
    """sat(int(float(x) * scale + offset)): x i16, u16, i32; scale, offset float32; NaN gives 0.

    rounding: of x to float (0..7); float_rounding: of the result to integer (0..4). dtype as in requantize_int."""
    cdef requant_options o
    o.operation, o.rounding, o.float_rounding = REQUANT_FLOAT, rounding, float_rounding
    return run(&o, x, (KIND_I16, KIND_U16, KIND_I32), dtype,
               (parameter(scale, np.float32), parameter(offset, np.float32)), (KIND_F32, KIND_F32), True, out)


def dequantize_int(cnp.ndarray x not None, multiplier, shift, zero_point=0, dtype=np.int16, int rounding=0, *,
                   out=None):
    """sat((x - zero_point) * multiplier * 2**shift): x i8, u8, i16, u16; multiplier int32, shift int16, zero_point
    of 16 bits."""
    cdef requant_options o
    o.operation, o.rounding, o.float_rounding = DEQUANT_INT, rounding, 0
    return run(&o, x, (KIND_I8, KIND_U8, KIND_I16, KIND_U16), dtype,
               (parameter(multiplier, np.int32), parameter(shift, np.int16), parameter(zero_point, np.int32)),
               (KIND_I32, KIND_I16, KIND_I32), False, out)


def dequantize_float(cnp.ndarray x not None, zero_point, scale, int rounding=0, *, out=None):
    """float32(x - zero_point) * scale: x i8, u8, i16, u16; zero_point of 16 bits, scale float32."""
    cdef requant_options o
    o.operation, o.rounding, o.float_rounding = DEQUANT_FLOAT, rounding, 0
    return run(&o, x, (KIND_I8, KIND_U8, KIND_I16, KIND_U16), np.float32,
               (parameter(zero_point, np.int32), parameter(scale, np.float32)), (KIND_I32, KIND_F32), False, out)
