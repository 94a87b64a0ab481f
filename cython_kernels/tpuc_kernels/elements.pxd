cimport numpy as cnp
from libc.stdint cimport int64_t

cdef extern from "grid.h":
    enum: GRID_AXES
    enum element_kind:
        KIND_I8, KIND_U8, KIND_I16, KIND_U16, KIND_I32, KIND_U32, KIND_F16, KIND_BF16, KIND_F32
    ctypedef struct grid:
        int axes, tensors, threads
        int64_t shape[6]
        char *data[6]
        int64_t step[6][6]
        int kind[6]
    int kind_bytes(int kind) nogil
    bint kind_is_float(int kind) nogil

cdef int kind_of(cnp.ndarray x, bint bf16) except -1
cdef int kind_named(object dtype, bint bf16) except -1
cdef cnp.ndarray as_array(object x, int kind)
cdef cnp.ndarray result_array(grid *g, object out, int kind, cnp.ndarray a, cnp.ndarray b)
cdef int add_operand(grid *g, cnp.ndarray x, int kind) except -1
cdef int add_parameter(grid *g, object values, int kind) except -1
