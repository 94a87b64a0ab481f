# cython: language_level=3, boundscheck=False, wraparound=False
"""Special functions of the chip (its SFU instruction): power series, reciprocal square root, exponents."""
import numpy as np

cimport numpy as cnp

from tpuc_kernels.dispatch cimport use_avx2
from tpuc_kernels.elements cimport *

cnp.import_array()

cdef extern from "special.h":
    void taylor_run "TAYLOR_RUN"(bint, grid *, int) nogil
    void rsqrt_run "RSQRT_RUN"(bint, grid *, int) nogil
    void normalize_run "NORMALIZE_RUN"(bint, grid *) nogil


def taylor(cnp.ndarray x not None, coefficients, *, bf16=False, out=None):
    """c[0] + c[1] x + c[2] x**2 ... by Horner's rule, each step rounded to the kind of x (f32, f16, bf16).

    coefficients: [k] of x's dtype, k >= 2, for all elements; or [c, k], a series for every channel (axis 1)."""
    cdef grid g
    cdef bint simd = use_avx2
    cdef int kind = kind_of(x, bf16), count, k
    cdef cnp.ndarray c = np.ascontiguousarray(coefficients, x.dtype), r
    count = cnp.PyArray_DIM(c, cnp.PyArray_NDIM(c) - 1) if cnp.PyArray_NDIM(c) in (1, 2) else 0
    if not kind_is_float(kind) or count < 2:
        raise ValueError(f"series for {x.dtype} with coefficients {np.shape(c)}: "
                         "floats and two coefficients or more would be right")
    r = result_array(&g, out, kind, x, None)
    add_operand(&g, x, kind)
    if cnp.PyArray_NDIM(c) == 2 and (g.axes < 2 or cnp.PyArray_DIM(c, 0) != g.shape[1]):
        raise ValueError(f"coefficients {np.shape(c)} for an array {np.shape(x)}")
    for k in range(g.axes):
        g.step[2][k] = cnp.PyArray_STRIDE(c, 0) if k == 1 and cnp.PyArray_NDIM(c) == 2 else 0
    g.data[2], g.kind[2], g.tensors = <char *>cnp.PyArray_DATA(c), kind, 3
    with nogil:
        taylor_run(simd, &g, count)
    return r


def rsqrt(cnp.ndarray x not None, int iterations=3, *, out=None):
    """1 / sqrt(x), f32, by 1..4 iterations from a first guess. Zero, infinity, negative numbers are not special."""
    cdef grid g
    cdef bint simd = use_avx2
    cdef cnp.ndarray r = result_array(&g, out, KIND_F32, x, None)
    if kind_of(x, False) != KIND_F32 or not 1 <= iterations <= 4:
        raise ValueError(f"rsqrt of {x.dtype} by {iterations} iterations: float32 and 1 to 4 would be right")
    add_operand(&g, x, KIND_F32)
    with nogil:
        rsqrt_run(simd, &g, iterations)
    return r


def normalize(cnp.ndarray x not None, dtype=None, *, bf16=False, out=None):
    """The exponent field of x, plus one where x is positive and its fraction is above that of 4/3: as a power of two
    of x's kind with x's sign, or as an integer of its size (dtype int32 for f32, int16 for f16 and bf16)."""
    cdef grid g
    cdef bint simd = use_avx2
    cdef int kind_x = kind_of(x, bf16), kind = kind_x if dtype is None else kind_named(dtype, bf16)
    cdef cnp.ndarray r = result_array(&g, out, kind, x, None)
    cdef bint is_integer = not kind_is_float(kind) and kind_bytes(kind) == kind_bytes(kind_x)
    if not kind_is_float(kind_x) or not (kind == kind_x or is_integer):
        raise ValueError(f"normalize of {x.dtype} to {dtype}: "
                         "a float kind, to itself or to an integer of its size, would be right")
    add_operand(&g, x, kind_x)
    with nogil:
        normalize_run(simd, &g)
    return r
