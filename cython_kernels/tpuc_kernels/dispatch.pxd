cdef bint use_avx2
cdef int threads
