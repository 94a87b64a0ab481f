# cython: language_level=3, boundscheck=False, wraparound=False
"""Compare and select (the chip's CMP instruction): two values chosen by a comparison of two others."""
import numpy as np

cimport numpy as cnp

from tpuc_kernels.dispatch cimport use_avx2
from tpuc_kernels.elements cimport *

cnp.import_array()

cdef extern from "elementwise.h":
    enum: WRONG_KINDS
    enum condition:
        IF_GREATER, IF_EQUAL, IF_LESS
    int select_run "SELECT_RUN"(bint, grid *, int, bint) nogil

cdef dict CONDITIONS = {"gt": IF_GREATER, "eq": IF_EQUAL, "lt": IF_LESS}


def select(condition, a, b, yes, no, *, bf16=False, bint flushes=False, out=None):
    """yes where a [condition] b, else no; condition: gt, eq, lt. yes and no are moved as bits, their kind is free.

    Floats: eq compares bits; beside a NaN gt is false, lt true if the bits differ; denormals of f32 and bf16 are
    zero.
    flushes: denormals of an f32 or bf16 result become zeros, as where the chip chooses between a and b themselves.
    A number for an operand takes the kind of its partner. bf16: uint16 operands are bf16 bit patterns."""
    cdef grid g
    cdef bint simd = use_avx2
    cdef int status, kind
    cdef cnp.ndarray x, y, p, q, r
    if condition not in CONDITIONS:
        raise ValueError(f'condition "{condition}": gt, eq or lt would be right')
    x, y = pair(a, b)
    p, q = pair(yes, no)
    kind = kind_of(p, bf16)
    if kind_bytes(kind) != cnp.PyArray_ITEMSIZE(q):
        raise ValueError(f"a choice between {p.dtype} and {q.dtype}: one dtype would be right")
    if cnp.PyArray_NDIM(p) or cnp.PyArray_NDIM(q):
        shape = np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(p), np.shape(q))
        r = result_array(&g, out, kind, x, np.broadcast_to(y, shape))
    else:
        r = result_array(&g, out, kind, x, y)
    add_operand(&g, x, kind_of(x, bf16))
    add_operand(&g, y, kind_of(y, bf16))
    add_operand(&g, p, kind)
    add_operand(&g, q, kind)
    status = CONDITIONS[condition]
    with nogil:
        status = select_run(simd, &g, status, flushes)
    if status == WRONG_KINDS:
        raise ValueError(f"{x.dtype} and {y.dtype} cannot be compared: floats of one kind, or integers, would be right")
    return r


cdef tuple pair(a, b):
    """Both as arrays; a number takes the dtype of the other."""
    if not isinstance(a, np.ndarray):
        b = np.asarray(b)
        return np.asarray(a, None if isinstance(a, np.generic) else b.dtype), b
    return a, b if isinstance(b, np.ndarray) else np.asarray(b, None if isinstance(b, np.generic) else a.dtype)
