cimport numpy as cnp
from libc.stdint cimport int64_t

cdef cnp.ndarray array_of(a, dtype, int ndim, str what)
cdef cnp.ndarray per_channel(value, int64_t count, dtype, str what)
cdef cnp.ndarray result_array(out, tuple shape, dtype)
cdef half_bits(a, str kind, str what)
cdef cnp.ndarray widened(a, str kind, str what)
cdef int check_memory(int status) except -1
