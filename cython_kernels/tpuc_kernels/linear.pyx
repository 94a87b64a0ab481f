# cython: language_level=3, boundscheck=False, wraparound=False
"""Fused linear operations of the chip (its LIN instruction): floats of one kind, each step rounded to it."""
import numpy as np

cimport numpy as cnp

from tpuc_kernels.dispatch cimport use_avx2
from tpuc_kernels.elements cimport *

cnp.import_array()

cdef extern from "elementwise.h":
    enum: WRONG_KINDS
    enum linear_operation:
        LINEAR_MAC, LINEAR_SQUARE_SUM, LINEAR_SQUARE_DIFFERENCE
    int linear_run "LINEAR_RUN"(bint, grid *, int) nogil


cdef run(int operation, cnp.ndarray a, b, c, bint bf16, out):
    cdef grid g
    cdef bint simd = use_avx2
    cdef int kind = kind_of(a, bf16), status
    cdef cnp.ndarray r = result_array(&g, out, kind, a, None), y = as_array(b, kind), z
    add_operand(&g, a, kind)
    add_parameter(&g, y, kind_of(y, bf16))
    if operation == LINEAR_MAC:
        z = as_array(c, kind)
        add_parameter(&g, z, kind_of(z, bf16))
    with nogil:
        status = linear_run(simd, &g, operation)
    if status == WRONG_KINDS:
        raise ValueError("floats of one kind are wanted")
    return r


def mac(cnp.ndarray a not None, b, c, *, bf16=False, out=None):
    """a * b + c; b and c: a number, [c] per channel (axis 1), or arrays that broadcast to a's shape."""
    return run(LINEAR_MAC, a, b, c, bf16, out)


def square_sum(cnp.ndarray a not None, b, *, bf16=False, out=None):
    """(a + b)**2; b as in mac."""
    return run(LINEAR_SQUARE_SUM, a, b, None, bf16, out)


def square_difference(cnp.ndarray a not None, b, *, bf16=False, out=None):
    """(a - b)**2; b as in mac."""
    return run(LINEAR_SQUARE_DIFFERENCE, a, b, None, bf16, out)
